# At the end of each transaction that installs or removes files in the panel's folders: a panel that has brought its own
# module back does not win, and one that comes later finds the module.
[ -x /usr/lib/pmssl/link-@MODULE@ ] || exit 0
/usr/lib/pmssl/link-@MODULE@ link || [ $? = 3 ]
