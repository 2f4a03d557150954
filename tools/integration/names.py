"""A name server for tests, which knows SRV and MX records and nothing else."""

import socket
import struct
import threading


class Names:
    """A name server for one domain with SRV records, {service: [(priority, weight, port, target)]}, and MX records,
    {"MX": [(preference, host)]}. What it is not told of does not exist; an empty list is a name without records."""

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
            kind, = struct.unpack("!H", query[at + 1:at + 3])
            records = self.records.get("MX" if kind == 15 else ".".join(labels[:2]))
            answers = b""
            for *numbers, target in records or []:
                name = b"".join(bytes([len(part)]) + part.encode() for part in target.split(".") if part) + b"\0"
                data = struct.pack(f"!{len(numbers)}H", *numbers) + name
                answers += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
            head = query[:2] + struct.pack("!HHHHH", 0x8183 if records is None else 0x8180, 1, len(records or []), 0, 0)
            self.socket.sendto(head + query[12:at + 5] + answers, peer)
