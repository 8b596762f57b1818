# SPDX-License-Identifier: Apache-2.0
"""What the HTTPS servers of the tests have in common, whoever they stand for: answers, and a place on loopback."""

import http.server
import ssl
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    """Those of a server define do_GET, do_POST ... and end with reply()."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_args):  # pylint: disable=arguments-differ
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, status, kind, data, **headers):
        self.send_response(status)
        for header, value in {**headers, "Content-Type": kind, "Content-Length": str(len(data))}.items():
            self.send_header(header.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)


class TlsServer(http.server.ThreadingHTTPServer):
    """At work from the start, in threads of its own; TLS is made in the thread of a connection."""

    daemon_threads = True

    def __init__(self, port, handler, certificate, key=None, clients=None):
        """certificate, key: files. clients: PEM of who signs client certificates, which are asked for, not demanded."""
        super().__init__(("127.0.0.1", port), handler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        if clients:
            self.context.verify_mode = ssl.CERT_OPTIONAL
            self.context.load_verify_locations(cadata=clients)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        try:
            with self.context.wrap_socket(request, server_side=True) as tls:
                self.RequestHandlerClass(tls, client_address, self)
        except (ssl.SSLError, ConnectionError):
            pass

    def stop(self):
        self.shutdown()
        self.server_close()
