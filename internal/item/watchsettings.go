package item

// SettingMailFrom is the option of etc/billmgr.conf with the sender of mails to clients (rules SWEEP-6).
const SettingMailFrom = "SSLSubscriptionMailFrom"
