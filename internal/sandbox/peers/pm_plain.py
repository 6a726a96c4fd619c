#!/usr/bin/python3
"""A processing module for Namecheap as panel modules are usually written: one script of Python.

It is for the comparison of `make bench-peers` alone. It does the same jobs as pmnamecheap at the stand-ins: features, open and
sync_item. It is written as a sensible plain module is, and not made slow: one connection to the database, one HTTP session, one
query where one will do, and `features` imports only the standard library.

It lacks what docs/performance.md lists: no lock, no journal, no look-up of lost answers, no limit of calls, no retry of call-backs, no
check of what the seller and the panel answer. Do not use it with money.
"""
import argparse
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

ROOT = os.environ.get("MGR5_ROOT", "/usr/local/mgr5")
NAMESPACE = "{http://api.namecheap.com/xml.response}"
PRODUCTS = {
    "positivessl": "PositiveSSL",
    "positivessl_wildcard": "PositiveSSL Wildcard",
    "positivessl_multi_domain": "PositiveSSL Multi Domain",
    "essentialssl": "EssentialSSL",
    "standard_ssl": "Standard SSL",
    "standard_wildcard_ssl": "Standard Wildcard SSL",
    "instantssl": "InstantSSL",
    "ev_ssl": "EV SSL",
}
FEATURES = ("check_connection", "open", "sync_item", "prolong", "reopen", "close", "suspend", "resume", "setparam")


def settings():
    """Returns the options of billmgr.conf and billmgr.conf.d; the last one of a name holds."""
    files = [os.path.join(ROOT, "etc", "billmgr.conf")]
    folder = os.path.join(ROOT, "etc", "billmgr.conf.d")
    if os.path.isdir(folder):
        files += [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".conf")]
    found = {"DBHost": "localhost", "DBUser": "root", "DBPassword": "", "DBName": "billmgr", "CryptKey": "etc/billmgr.pem"}
    for path in files:
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                name, _, value = line.strip().partition(" ")
                if name and not name.startswith("#"):
                    found[name] = value.strip()
    return found


class Panel:
    """The panel's database, read only, and mgrctl."""

    def __init__(self):
        import pymysql

        self.conf = settings()
        host, _, port = self.conf["DBHost"].partition(":")
        where = {"host": host, "port": int(port or 3306)}
        if self.conf.get("DBSocket"):
            where = {"unix_socket": self.conf["DBSocket"]}
        self.db = pymysql.connect(user=self.conf["DBUser"], password=self.conf["DBPassword"], database=self.conf["DBName"],
                                  charset="utf8mb4", autocommit=True, **where)

    def rows(self, query, *args):
        with self.db.cursor() as cursor:
            cursor.execute(query, args)
            return cursor.fetchall()

    def item(self, item):
        """Returns the item's row, its parameters and its CSR."""
        row = self.rows("SELECT i.processingmodule, i.period, i.status, p.intname FROM item i"
                        " JOIN pricelist p ON p.id=i.pricelist WHERE i.id=%s", item)[0]
        params = dict(self.rows("SELECT intname, value FROM itemparam WHERE item=%s", item))
        csr = self.rows("SELECT csr FROM certificate WHERE item=%s", item)
        return row, params, csr[-1][0] if csr else params.get("csr", "")

    def module(self, module):
        """Returns the parameters of the processing module, decrypted."""
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
        import base64

        params = dict(self.rows("SELECT intname, value FROM processingparam WHERE processingmodule=%s", module))
        secret = self.rows("SELECT intname, value FROM processingcryptedparam WHERE processingmodule=%s", module)
        if secret:
            with open(os.path.join(ROOT, self.conf["CryptKey"]), "rb") as file:
                key = load_pem_private_key(file.read(), password=None)
            for name, value in secret:
                if value:
                    params[name] = key.decrypt(base64.b64decode(value), padding.PKCS1v15()).decode()
        return params

    @staticmethod
    def call(func, **params):
        """Calls a function of the panel."""
        words = [os.path.join(ROOT, "sbin", "mgrctl"), "-m", "billmgr", "-o", "xml", func]
        words += ["%s=%s" % pair for pair in params.items()]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE)
        answer = ET.fromstring(done.stdout)
        if answer.find("error") is not None:
            raise RuntimeError("%s: %s" % (func, ET.tostring(answer, encoding="unicode")))

    def save(self, item, name, value):
        self.call("service.saveparam", elid=item, name=name, value=value, crypted="off", sok="ok")

    def status(self, item, status):
        self.call("service.setstatus", elid=item, service_status=status, sok="ok")


class Namecheap:
    """Namecheap's API."""

    def __init__(self, params):
        import requests

        self.session = requests.Session()
        self.address = os.environ.get("NAMECHEAP_API_URL", "https://api.namecheap.com/xml.response")
        self.base = {"ApiUser": params.get("api_user") or params["username"], "ApiKey": params["api_key"],
                     "UserName": params["username"], "ClientIp": params.get("client_ip", "")}

    def ask(self, command, **params):
        """Sends a command and returns the result's element."""
        answer = self.session.post(self.address, data={**self.base, "Command": "namecheap.ssl." + command, **params}, timeout=60)
        answer.raise_for_status()
        document = ET.fromstring(answer.content)
        if document.get("Status") != "OK":
            raise RuntimeError(command + ": " + " ".join(e.text or "" for e in document.iter(NAMESPACE + "Error")))
        return document.find(NAMESPACE + "CommandResponse")[0]


def features():
    """Prints what the module can do."""
    doc = ET.Element("doc")
    types = ET.SubElement(doc, "itemtypes")
    ET.SubElement(types, "itemtype", name="certificate")
    params = ET.SubElement(doc, "params")
    for name in ("username", "api_user", "client_ip", "sandbox"):
        ET.SubElement(params, "param", name=name)
    ET.SubElement(params, "param", name="api_key", crypted="yes")
    found = ET.SubElement(doc, "features")
    for name in FEATURES:
        ET.SubElement(found, "feature", name=name)
    templates = ET.SubElement(doc, "templates")
    for name in PRODUCTS:
        ET.SubElement(templates, "template", id=name, name=name, authdnstxt="yes", authemail="yes")
    sys.stdout.write(ET.tostring(doc, encoding="unicode", xml_declaration=True) + "\n")


def open_item(item):
    """Buys and activates a certificate, and shows the client what to publish."""
    panel = Panel()
    (module, period, _, product), params, csr = panel.item(item)
    seller = Namecheap(panel.module(module))
    order = params.get("custom_order_id")
    if not order:
        result = seller.ask("create", Type=PRODUCTS[product], Years=max(1, int(period) // 12))
        order = result.find(NAMESPACE + "SSLCertificate").get("CertificateID")
        panel.save(item, "custom_order_id", order)
    how = {"DNSDCValidation": "true"}
    if params.get("approver_method") == "auth_email":
        how = {"ApproverEmail": params["approver_email"]}
    result = seller.ask("activate", CertificateID=order, CSR=csr, WebServerType="other", **how)
    values, names = [], []
    for one in result.iter(NAMESPACE + "DNS"):
        names.append(one.get("domain"))
        values.append("%s CNAME %s" % (one.findtext(NAMESPACE + "HostName").strip(), one.findtext(NAMESPACE + "Target").strip()))
    if values:
        panel.save(item, "auth_dnscname_value", "\n".join(values))
        panel.save(item, "domains_list", ",".join(names))
    panel.status(item, 4)
    panel.call("service.postopen", elid=item, sok="ok")


def sync_item(item):
    """Asks for the order's status and stores an issued certificate."""
    panel = Panel()
    (module, _, _, _), params, _ = panel.item(item)
    seller = Namecheap(panel.module(module))
    result = seller.ask("getInfo", CertificateID=params["custom_order_id"], Returncertificate="true", Returntype="Individual")
    if result.get("Status") != "active":
        return
    found = [e.text.strip() for e in result.iter(NAMESPACE + "Certificate") if e.text and "BEGIN CERTIFICATE" in e.text]
    if found:
        store(panel, item, found)


def store(panel, item, found):
    """Stores a certificate with its chain."""
    import base64
    import io
    import zipfile

    from cryptography import x509

    leaf = x509.load_pem_x509_certificate(found[0].encode())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("certificate.crt", found[0] + "\n")
        file.writestr("ca.ca-bundle", "\n".join(found[1:]) + "\n")
    panel.call("certificate.save", elid=item, crt=base64.b64encode(archive.getvalue()).decode(), crt_type="zip", sok="ok")
    until = leaf.not_valid_after.date().isoformat()
    panel.save(item, "certificate_expiredate", until)
    panel.call("service.setexpiredate", elid=item, expiredate=until, sok="ok")
    panel.call("certificate.open", elid=item, sok="ok")
    panel.status(item, 5)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--command", required=True)
    parser.add_argument("--item", type=int)
    parser.add_argument("--runningoperation", type=int)
    args, _ = parser.parse_known_args()
    if args.command == "features":
        features()
    elif args.command == "open":
        open_item(args.item)
    elif args.command == "sync_item":
        sync_item(args.item)
    else:
        sys.exit("unknown command " + args.command)


if __name__ == "__main__":
    main()
