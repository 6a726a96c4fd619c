-- The tables and columns of docs/reference/billmanager.md §4. Names are verified there, types are inferred (docs/reference/billmanager.md §16.9).
-- Statements end with a semicolon at the end of a line; the same text runs on MariaDB and on the embedded engine.

CREATE TABLE account (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL DEFAULT '', parent INT, level INT,
  country INT, state VARCHAR(128), registration_date DATE, taxexclusive VARCHAR(3), taxhide VARCHAR(3),
  internal VARCHAR(3)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE user (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(128) NOT NULL, account INT, level INT NOT NULL DEFAULT 16,
  enabled VARCHAR(3) NOT NULL DEFAULT 'on', email VARCHAR(255), emailverified VARCHAR(3), realname VARCHAR(255),
  phone VARCHAR(64), language VARCHAR(8), timezone VARCHAR(64)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE project (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL, billurl VARCHAR(255), notifyemail VARCHAR(255),
  orderpriority INT, active VARCHAR(3) DEFAULT 'on'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE account2project (account INT NOT NULL, project INT NOT NULL, PRIMARY KEY (account, project))
  ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE currency (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, iso VARCHAR(3) NOT NULL, name VARCHAR(64), symbol VARCHAR(8),
  active VARCHAR(3)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE country (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, iso2 VARCHAR(2) NOT NULL, name VARCHAR(128), name_ru VARCHAR(128)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE locale (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, langcode VARCHAR(8) NOT NULL)
  ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE tld (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(64) NOT NULL)
  ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE measure (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, intname VARCHAR(64) NOT NULL, name VARCHAR(64), relation DECIMAL(16,4),
  lessmeasure INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE itemtype (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(128) NOT NULL, name_ru VARCHAR(128),
  intname VARCHAR(64) NOT NULL, parent INT, orderpriority INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE itemtypeparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, itemtype INT NOT NULL, intname VARCHAR(64) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE itemtypeparamvalue (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, itemtypeparam INT NOT NULL, intname VARCHAR(128) NOT NULL,
  name VARCHAR(255), name_ru VARCHAR(255)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE enumeration (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(128))
  ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE enumerationitem (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, enumeration INT NOT NULL, intname VARCHAR(128) NOT NULL,
  name VARCHAR(128), orderpriority INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE pricelist (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL, name_ru VARCHAR(255), intname VARCHAR(128),
  itemtype INT NOT NULL, project INT, parent INT, active VARCHAR(3) DEFAULT 'on', addontype INT, billtype INT,
  billdaily VARCHAR(3), billhourly VARCHAR(3), billprorata VARCHAR(3), addonlimit INT, addonmin INT, addonmax INT,
  addonstep INT, addonmaxtrial INT, addonlimittrial INT, addonbool VARCHAR(3), enumeration INT, enumerationitem INT,
  measure INT, compound INT, scaletype INT, roundtype INT, orderpolicy INT, orderpriority INT,
  manualprocessing VARCHAR(3), chargestoped VARCHAR(3), autocalcday INT, allowpostpaid VARCHAR(3)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE pricelistparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, pricelist INT NOT NULL, intname VARCHAR(128) NOT NULL, value LONGTEXT,
  UNIQUE KEY pricelist_intname (pricelist, intname)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE price (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, setup DECIMAL(16,2), monthly DECIMAL(16,2), quarterly DECIMAL(16,2),
  semiannual DECIMAL(16,2), annually DECIMAL(16,2), biennial DECIMAL(16,2), triennial DECIMAL(16,2),
  quadrennial DECIMAL(16,2), quinquennial DECIMAL(16,2)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE pricelistprice (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, pricelist INT NOT NULL, currency INT NOT NULL, price INT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE fixedprices (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, item INT, price INT)
  ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE processingmodule (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL, module VARCHAR(128) NOT NULL,
  active VARCHAR(3) DEFAULT 'on', failed VARCHAR(3), datacenter INT, department INT, ipmgr INT, orderpriority INT,
  config MEDIUMTEXT, balance DECIMAL(16,4), balancecurrency VARCHAR(8), balancedate DATETIME
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE processingparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, processingmodule INT NOT NULL, intname VARCHAR(128) NOT NULL,
  value LONGTEXT, UNIQUE KEY processingmodule_intname (processingmodule, intname)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE processingcryptedparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, processingmodule INT NOT NULL, intname VARCHAR(128) NOT NULL,
  value LONGTEXT, UNIQUE KEY processingmodule_intname (processingmodule, intname)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE processingmodule2pricelist (
  processingmodule INT NOT NULL, pricelist INT NOT NULL, PRIMARY KEY (processingmodule, pricelist)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE processingmodule2itemtypeparamvalue (
  processingmodule INT NOT NULL, itemtypeparamvalue INT NOT NULL, PRIMARY KEY (processingmodule, itemtypeparamvalue)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE processingnode (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), processingmodule INT, panelid VARCHAR(64),
  ip VARCHAR(64), failed VARCHAR(3)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE item (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), remoteid VARCHAR(64), parent INT, account INT,
  pricelist INT, lastpricelist INT, processingmodule INT, processingnode INT, period INT, status INT NOT NULL,
  createdate DATETIME, opendate DATE, expiredate DATE, suspenddate DATE, updatedate DATETIME, currency INT,
  cost DECIMAL(16,4), costperiod INT, costdate DATE, reservedsum DECIMAL(16,4), price INT, fixedprices INT,
  autoprolong INT, autosuspend VARCHAR(3), employeesuspend VARCHAR(3), abusesuspend VARCHAR(3), scheduledclose DATE,
  specialstatus VARCHAR(64), autoassign VARCHAR(3), intvalue INT, boolvalue VARCHAR(3), enumerationitem INT,
  addonlimit INT, addonmax INT, addonmaxtrial INT, addonlimittrial INT, addonbool VARCHAR(3),
  KEY item_parent (parent), KEY item_module (processingmodule), KEY item_account (`account`), KEY item_pricelist (pricelist)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- LIB's itemips joins it; certificates have none (docs/reference/billmanager.md §4 does not list it).
CREATE TABLE ip (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(64) NOT NULL, item INT, KEY item (item)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE itemparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, item INT NOT NULL, intname VARCHAR(128) NOT NULL, value LONGTEXT,
  UNIQUE KEY item_intname (item, intname)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE itemcryptedparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, item INT NOT NULL, intname VARCHAR(128) NOT NULL, value LONGTEXT,
  UNIQUE KEY item_intname (item, intname)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- crt is binary: with crt_type=zip a panel may keep the archive itself (Settings.CrtStore).
CREATE TABLE certificate (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, item INT NOT NULL, pkey LONGTEXT, csr LONGTEXT, crt LONGBLOB,
  UNIQUE KEY item (item)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE itemstat (
  item INT NOT NULL, statdate DATE NOT NULL, param VARCHAR(64) NOT NULL, value DECIMAL(20,4), measure INT,
  PRIMARY KEY (item, statdate, param)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE runningoperation (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, item INT, intname VARCHAR(64) NOT NULL, trycount INT NOT NULL DEFAULT 0,
  errorxml LONGTEXT, manual VARCHAR(3) NOT NULL DEFAULT 'off', rerun VARCHAR(3) NOT NULL DEFAULT 'off', lang VARCHAR(8),
  level INT, cdate DATETIME, KEY item (item)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE runningoperation_errorhistory (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, runningoperation INT NOT NULL, item INT, intname VARCHAR(64),
  cdate DATETIME, errorxml LONGTEXT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE tasktype (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, intname VARCHAR(64) NOT NULL, name VARCHAR(128), operation VARCHAR(64)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE task (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, runningoperation INT, item INT, type VARCHAR(64),
  status INT NOT NULL DEFAULT 0, department INT, specification LONGTEXT, params LONGTEXT, cdate DATETIME
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE problems (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(128) NOT NULL, elid VARCHAR(64), level VARCHAR(16),
  params LONGTEXT, cdate DATETIME
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE service_profile (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), profiletype INT, account INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE service_profileparam (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, service_profile INT NOT NULL, intname VARCHAR(128) NOT NULL,
  value LONGTEXT, warning_message VARCHAR(255),
  UNIQUE KEY service_profile_intname (service_profile, intname)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE service_profile2item (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, service_profile INT NOT NULL, item INT NOT NULL, type VARCHAR(64)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE service_profile2processingmodule (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, service_profile INT NOT NULL, processingmodule INT NOT NULL,
  type VARCHAR(64), externalid VARCHAR(255), externalpassword VARCHAR(255)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Only the columns whose changes the stand-in records.
CREATE TABLE history_item (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, reference INT NOT NULL, changedate DATETIME, fromdate DATETIME,
  changedfields VARCHAR(255), request_action VARCHAR(128), request_ip VARCHAR(128), username VARCHAR(128),
  status INT, status_new INT, expiredate DATE, expiredate_new DATE, opendate DATE, opendate_new DATE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Marks the database as the stand-in's own: it may be used again. A database without it that is not empty is refused.
CREATE TABLE pmssl_sandbox (version INT NOT NULL PRIMARY KEY) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
