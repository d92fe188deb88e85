internal import CodexCZlib

/// Zlib streams and gzip files that begin anywhere in bytes.
enum CompressedStream {
    /// Most bytes that one unpacks to.
    private static let byteCountMax = 64 << 20
    /// Fewer are chance.
    private static let byteCountMin = 16

    /// What they unpack to; of one that is cut short or damaged, what comes before that.
    static func all(in bytes: [UInt8]) -> [[UInt8]] {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var found: [[UInt8]] = []
            for place in 0..<max(0, buffer.count - 1) {
                guard unsafe isHead(buffer[place], buffer[place + 1]) else { continue }
                let unpacked = unsafe unpack(UnsafeBufferPointer(rebasing: buffer[place...]))
                if unpacked.count >= byteCountMin { found.append(unpacked) }
            }
            return found
        }
    }

    /// Whether a zlib stream (RFC 1950) or a gzip file (RFC 1952) may begin with two bytes.
    private static func isHead(_ first: UInt8, _ second: UInt8) -> Bool {
        if first == 0x78 { return (Int(first) << 8 | Int(second)) % 31 == 0 }
        return first == 0x1F && second == 0x8B
    }

    private static func unpack(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var stream = unsafe z_stream()
        // 32 more than the window's size lets zlib tell its own head from gzip's (zlib.h).
        guard
            unsafe inflateInit2_(
                &stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return [] }
        defer { _ = unsafe inflateEnd(&stream) }
        unsafe stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
        unsafe stream.avail_in = uInt(clamping: bytes.count)
        var unpacked: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while unpacked.count < byteCountMax {
            let status = unsafe chunk.withUnsafeMutableBufferPointer { output in
                unsafe stream.next_out = output.baseAddress
                unsafe stream.avail_out = uInt(output.count)
                return unsafe inflate(&stream, Z_NO_FLUSH)
            }
            let count = unsafe chunk.count - Int(stream.avail_out)
            unpacked += chunk[..<count]
            if status != Z_OK || count == 0 { break }
        }
        return unpacked
    }
}
