-- The tables and columns that the host reads, as far as the panel's page on its database names them.
CREATE TABLE item (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), remoteid VARCHAR(255), parent INT, account INT,
  pricelist INT, lastpricelist INT, processingmodule INT, period INT, status INT, opendate DATE, expiredate DATE,
  intvalue INT, boolvalue VARCHAR(3), enumerationitem INT, addonlimit DECIMAL(12,2),
  autosuspend VARCHAR(3), employeesuspend VARCHAR(3), abusesuspend VARCHAR(3), INDEX (parent), INDEX (processingmodule)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE itemparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, item INT, intname VARCHAR(64), value LONGTEXT, UNIQUE (item, intname)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE itemcryptedparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, item INT, intname VARCHAR(64), value LONGTEXT, UNIQUE (item, intname)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE itemtype (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), intname VARCHAR(64), parent INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE pricelist (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), intname VARCHAR(64), itemtype INT, project INT, parent INT,
  active VARCHAR(3), addontype INT, addonlimit DECIMAL(12,2), addonbool VARCHAR(3), enumerationitem INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE pricelistparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, pricelist INT, intname VARCHAR(64), value TEXT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE enumerationitem (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, enumeration INT, intname VARCHAR(64)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE processingmodule (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), module VARCHAR(64), active VARCHAR(3), orderpriority INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE processingparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, processingmodule INT, intname VARCHAR(64), value TEXT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE processingcryptedparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, processingmodule INT, intname VARCHAR(64), value TEXT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE processingmodule2pricelist (
  processingmodule INT, pricelist INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE certificate (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, item INT, pkey LONGTEXT, csr LONGTEXT, crt LONGBLOB
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE account (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE runningoperation (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, item INT, trycount INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE task (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, runningoperation INT, item INT, type VARCHAR(64), status INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
