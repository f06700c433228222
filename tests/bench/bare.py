"""The minimum time to create objects: `python3 bare.py KUBECONFIG NAMESPACE CONNECTIONS FILE...` sends one apply patch for
each file, over CONNECTIONS connections, and reads each response. No comparison, no order, no report.
"""
import base64
import http.client
import os
import queue
import ssl
import sys
import tempfile
import threading


def settings(path):
    """Returns server and credentials of a kubeconfig in the format of tests/go/control-plane: one field per line."""
    fields = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            key, _, value = line.strip().removeprefix("- ").partition(": ")
            fields[key] = value.strip('"')
    return fields


def main(kubeconfig, namespace, connections, *files):
    fields = settings(kubeconfig)
    host = fields["server"].removeprefix("https://")
    with tempfile.NamedTemporaryFile() as pair:
        for field in ("client-certificate-data", "client-key-data"):
            pair.write(base64.b64decode(fields[field]))
        pair.flush()
        context = ssl.create_default_context(cadata=base64.b64decode(fields["certificate-authority-data"]).decode())
        context.load_cert_chain(pair.name)
    work = queue.SimpleQueue()
    for name in files:
        work.put(name)

    def send():
        connection = http.client.HTTPSConnection(host, context=context)
        while True:
            try:
                name = work.get_nowait()
            except queue.Empty:
                return
            with open(name, "rb") as file:
                body = file.read()
            service = os.path.basename(name).removeprefix("service-").removesuffix(".yaml")
            path = f"/api/v1/namespaces/{namespace}/services/{service}?fieldManager=bare&force=false&fieldValidation=Strict"
            connection.request("PATCH", path, body, {"Content-Type": "application/apply-patch+yaml"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 300:
                sys.stderr.write(f"{name}: {answer.status} {text[:300]}\n")
                os._exit(1)

    threads = [threading.Thread(target=send) for _ in range(int(connections))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
