"""Requests as they are sent: heads, signatures, gzip and chunks."""

import binascii
import datetime
import hashlib
import hmac
import struct
import zlib

REGION = "us-east-1"
ACCESS_KEY, SECRET_KEY = "AKIDWORST", "no-secret"
INTERFACES = {
    name: "DynamoDBStreams_20120810"
    for name in ("ListStreams", "DescribeStream", "GetShardIterator", "GetRecords")}

# What the server unpacks of a body: so much of any, and so much for each of its bytes.
FREE_UNPACKED, UNPACKED_FACTOR = 256 << 10, 8
BODY_BYTES_MAX = 16 << 20


def target(operation):
    return f"{INTERFACES.get(operation, 'DynamoDB_20120810')}.{operation}"


class Request:
    """A request of HTTP.

    The name of a header may occur several times. `head` replaces the whole head, as bytes.
    """

    def __init__(
            self, operation, body=b"", headers=(), gzip_body=None, chunk=0, accepts_gzip=False,
            signature=None, head=None):
        self.operation, self.body, self.headers = operation, body, list(headers)
        # What is sent instead of the body, in gzip.
        self.gzip_body, self.chunk, self.accepts_gzip = gzip_body, chunk, accepts_gzip
        # None, or a function from the headers to those of a signature.
        self.signature, self.head = signature, head
        self.made = None

    @property
    def sent_body(self):
        return self.body if self.gzip_body is None else self.gzip_body

    def parts(self):
        """What is sent, in parts that need not be copied. It is made once."""
        if self.made is None:
            self.made = self.make_parts()
        return self.made

    def make_parts(self):
        body = self.sent_body
        if self.head is not None:
            return [self.head, body]
        headers = [
            ("host", "127.0.0.1"), ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", target(self.operation))]
        if self.gzip_body is not None:
            headers.append(("content-encoding", "gzip"))
        if self.accepts_gzip:
            headers.append(("accept-encoding", "gzip"))
        if self.chunk:
            headers.append(("transfer-encoding", "chunked"))
            body = chunked(body, self.chunk)
        else:
            headers.append(("content-length", str(len(body))))
        headers += self.headers
        if self.signature:
            headers += self.signature(headers, self.sent_body)
        head = "POST / HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers)
        return [head.encode("latin-1") + b"\r\n", body]

    @property
    def byte_count(self):
        return sum(map(len, self.parts()))


def chunked(body, size):
    """A body in chunks of a size."""
    whole = len(body) // size * size
    mark = b"%x\r\n" % size
    parts = [b"%b%b\r\n" % (mark, body[place:place + size]) for place in range(0, whole, size)]
    if whole < len(body):
        parts.append(b"%x\r\n%b\r\n" % (len(body) - whole, body[whole:]))
    return b"".join(parts) + b"0\r\n\r\n"


def chunked_room(room, size):
    """The length of the body that has `room` bytes in chunks."""
    return max(1, (room - 16) * size // (size + len(b"%x\r\n\r\n" % size)))


# MARK: gzip


def unpacked_max(byte_count):
    """What a body of so many bytes may unpack to."""
    return min(BODY_BYTES_MAX, FREE_UNPACKED + UNPACKED_FACTOR * byte_count)


def packed(body, level, padded_to=0):
    """A gzip stream; a name in its header makes it as long as is asked."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15)
    deflated = deflater.compress(body) + deflater.flush()
    end = struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFF_FFFF)
    pad = padded_to - len(deflated) - len(end) - 10
    flags, name = (8, b"n" * (pad - 1) + b"\0") if pad > 0 else (0, b"")
    return b"\x1f\x8b\x08%b\0\0\0\0\0\xff" % bytes([flags]) + name + deflated + end


# MARK: Signatures


def hashed(data):
    return binascii.hexlify(hashlib.sha256(data).digest()).decode()


def signature_headers(names=(), is_valid=True, is_sorted=True, moment=None):
    """Makes the headers of a signature of version 4 that signs others, too.

    The result is a function from a request's headers and body to the headers of a signature.
    """
    def sign(headers, body):
        now = moment or datetime.datetime.now(datetime.timezone.utc)
        date = now.strftime("%Y%m%dT%H%M%SZ")
        signed = ["host", "x-amz-date", "x-amz-target", *names]
        if is_sorted:
            signed = sorted(set(signed))
        scope = f"{date[:8]}/{REGION}/dynamodb/aws4_request"
        code = signature(headers + [("x-amz-date", date)], signed, body, date, scope)
        if not is_valid:
            code = "0" * 64
        return [("x-amz-date", date), (
            "authorization",
            f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, "
            f"SignedHeaders={';'.join(signed)}, Signature={code}")]
    return sign


def signature(headers, signed, body, date, scope):
    values = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(" ".join(value.split(" ")))
    lines = [f"{name}:{','.join(values.get(name, []))}\n" for name in signed]
    canonical = f"POST\n/\n\n{''.join(lines)}\n{';'.join(signed)}\n{hashed(body)}"
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashed(canonical.encode())}"
    key = signing_key(b"AWS4" + SECRET_KEY.encode(), scope)
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def signing_key(key, scope):
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
