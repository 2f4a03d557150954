"""A name server for tests, which knows SRV records and nothing else."""

import socket
import struct
import threading


class Names:
    """A name server with SRV records for one domain: {service: [(priority, weight, port, target)]}."""

    def __init__(self, records, port=0):
        self.records = records
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            found = self.records.get(".".join(labels[:2]), [])
            answers = b""
            for priority, weight, port, target in found:
                name = b"".join(bytes([len(part)]) + part.encode() for part in target.split(".") if part) + b"\0"
                data = struct.pack("!HHH", priority, weight, port) + name
                answers += b"\xc0\x0c" + struct.pack("!HHIH", 33, 1, 60, len(data)) + data
            head = query[:2] + struct.pack("!HHHHH", 0x8180 if found else 0x8183, 1, len(found), 0, 0)
            self.socket.sendto(head + query[12:at + 5] + answers, peer)
