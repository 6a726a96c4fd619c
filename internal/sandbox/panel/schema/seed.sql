INSERT INTO locale (langcode) VALUES ('en'), ('ru');
INSERT INTO currency (id, iso, name, symbol, active) VALUES
  (126, 'RUB', 'Russian ruble', '₽', 'on'), (153, 'USD', 'US dollar', '$', 'on'), (48, 'EUR', 'Euro', '€', 'on');
INSERT INTO country (id, iso2, name, name_ru) VALUES
  (182, 'RU', 'Russian Federation', 'Российская Федерация'), (235, 'US', 'United States', 'США'),
  (56, 'DE', 'Germany', 'Германия'), (67, 'ES', 'Spain', 'Испания'), (77, 'GB', 'United Kingdom', 'Великобритания');
INSERT INTO tld (id, name) VALUES (1, 'com'), (2, 'ru');
INSERT INTO measure (id, intname, name, relation, lessmeasure) VALUES
  (1, 'unit', 'unit', NULL, NULL), (2, 'mib', 'MiB', NULL, NULL), (3, 'gib', 'GiB', 1024, 2);
-- vds: LIB's postopen calls vds.open whatever the module serves.
INSERT INTO itemtype (id, name, name_ru, intname, parent, orderpriority) VALUES
  (1, 'SSL certificates', 'SSL-сертификаты', 'certificate', NULL, 10),
  (2, 'Additional domain names', 'Дополнительные домены', 'altname', 1, 10),
  (3, 'Domain names', 'Доменные имена', 'domain', NULL, 20),
  (4, 'Virtual servers', 'Виртуальные серверы', 'vds', NULL, 30);
INSERT INTO project (id, name, billurl, notifyemail, orderpriority) VALUES
  (1, 'Example hosting', 'https://billing.example.com/billmgr', 'billing@example.com', 10);
INSERT INTO account (id, name, level, country, registration_date, internal) VALUES
  (1, 'Example client', 16, 235, '2026-01-01', 'off');
INSERT INTO account2project (account, project) VALUES (1, 1);
INSERT INTO user (id, name, account, level, enabled, email, emailverified, realname, phone, language, timezone) VALUES
  (1, 'root', NULL, 30, 'on', 'root@example.com', 'on', 'Administrator', '', 'en', 'UTC'),
  (2, 'client@example.com', 1, 16, 'on', 'client@example.com', 'on', 'Carla Client', '+1.5550100', 'en', 'UTC');
INSERT INTO tasktype (id, intname, name, operation) VALUES
  (1, 'open', 'Open the service', 'open'), (2, 'suspend', 'Suspend the service', 'suspend'),
  (3, 'resume', 'Resume the service', 'resume'), (4, 'close', 'Delete the service', 'close'),
  (5, 'setparam', 'Change the service', 'setparam'), (6, 'prolong', 'Renew the service', 'prolong'),
  (7, 'reopen', 'Reissue the certificate', 'reopen'), (8, 'sync_item', 'Look at the service', 'sync_item'),
  (9, 'import', 'Import services', 'import'), (10, 'transfer', 'Transfer the domain', 'transfer'),
  (11, 'update_ns', 'Change name servers', 'update_ns');
INSERT INTO pmssl_sandbox (version) VALUES (1);
