"""A Kubernetes API that has nodes and nothing else: `python3 server.py COUNT` prints its port and serves until its
standard input ends.

Pages are assembled from prepared pieces, so that the client is measured and not this program.
"""
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from data import node

POOLS = 400
MARK = 999_999_999


def pieces(pool):
    """Returns a node's JSON, split at its number."""
    return json.dumps(node(MARK, pool), separators=(",", ":")).encode().split(str(MARK).encode())


NODES = [pieces(f"p{pool}") for pool in range(POOLS)]
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "5d3c0a1e-3df8-11e8-9a2f-000d3a509910"}}


def page(start, end, count):
    """Returns the nodes from `start` up to but not including `end`, of `count`."""
    meta = {"resourceVersion": "1"}
    if end < count:
        meta |= {"continue": str(end), "remainingItemCount": count - end}
    head = json.dumps({"kind": "NodeList", "apiVersion": "v1", "metadata": meta}, separators=(",", ":"))[:-1] + ',"items":['
    body = b",".join(str(index).encode().join(NODES[index % POOLS]) for index in range(start, end))
    return head.encode() + body + b"]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        status = 200
        if url.path == "/api/v1/nodes":
            count = self.server.nodes
            start = int(query.get("continue", ["0"])[0])
            body = page(start, min(start + int(query.get("limit", [count])[0]), count), count)
        elif url.path == "/api/v1/namespaces/kube-system":
            body = json.dumps(NAMESPACE).encode()
        else:
            status, body = 404, b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main(count):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.nodes = count
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    os._exit(0)  # do not wait for clients with open connections


if __name__ == "__main__":
    main(int(sys.argv[1]))
