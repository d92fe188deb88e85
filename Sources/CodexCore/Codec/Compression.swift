internal import CodexCZlib

/// Compression of large values and files with zlib, and its checksums.
package enum Compression {
    /// Level 3 suits a write path: level 6 is half as fast and saves only a few per cent more.
    private static let level: Int32 = 3
    /// Most bytes that are packed as one file.
    ///
    /// zlib's 32-bit counters hold this count and the bound of its compressed size.
    private static let gzipByteCountMax = 3 << 30

    /// Replaces `bytes[start...]` with their compressed form if that saves at least an eighth.
    ///
    /// The form is a tag, the original length, and a zlib stream.
    package static func compressTail(of bytes: inout [UInt8], from start: Int) {
        let count = bytes.count - start
        var length = compressBound(uLong(count))
        let packed = unsafe [UInt8](unsafeUninitializedCapacity: Int(length)) { buffer, written in
            let status = unsafe bytes.withUnsafeBufferPointer { source in
                unsafe compress2(
                    buffer.baseAddress, &length, source.baseAddress.map { unsafe $0 + start },
                    uLong(count), level)
            }
            written = status == Z_OK ? Int(length) : 0
        }
        guard !packed.isEmpty, packed.count < count - count / 8 else { return }
        bytes.removeSubrange(start...)
        bytes.append(ValueCodec.Tag.compressed.rawValue)
        Wire.append(UInt64(count), to: &bytes)
        bytes.append(contentsOf: packed)
    }

    /// Inflates the form that ``compressTail(of:from:)`` wrote, without its tag.
    ///
    /// - Parameters:
    ///   - bytes: The length and the zlib stream.
    ///   - limit: Most bytes that the value may inflate to, zero or more.
    /// - Returns: The original bytes.
    /// - Throws: ``CodexError/Code/corrupted`` if the form is damaged or claims more than `limit`
    ///   bytes. A form that claims more is not inflated.
    package static func inflate(_ bytes: Span<UInt8>, limit: Int) throws(CodexError) -> [UInt8] {
        var position = 0
        let claimed = try Wire.integer(bytes, &position)
        guard claimed > 0, claimed <= UInt64(limit) else {
            throw Wire.corrupted("a compressed value's length")
        }
        var length = uLong(claimed)
        var status = Z_OK
        let inflated = unsafe [UInt8](unsafeUninitializedCapacity: Int(claimed)) {
            buffer, written in
            status = unsafe bytes.withUnsafeBufferPointer { source in
                unsafe uncompress(
                    buffer.baseAddress, &length, source.baseAddress.map { unsafe $0 + position },
                    uLong(source.count - position))
            }
            written = status == Z_OK ? Int(length) : 0
        }
        guard status == Z_OK, inflated.count == Int(claimed) else {
            throw Wire.corrupted("a compressed value does not inflate")
        }
        return inflated
    }

    /// Packs bytes as a gzip file (RFC 1952).
    package static func gzip(_ bytes: [UInt8]) throws(CodexError) -> [UInt8] {
        guard bytes.count <= gzipByteCountMax else {
            throw CodexError(.invalidArgument, "A file of more than 3 GiB is not compressed.")
        }
        var stream = unsafe z_stream()
        // Adding 16 to the window bits asks zlib for the gzip header and trailer (zlib.h).
        guard
            unsafe deflateInit2_(
                &stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw outOfMemory }
        defer { _ = unsafe deflateEnd(&stream) }
        let bound = Int(unsafe deflateBound(&stream, uLong(bytes.count)))
        var source = bytes
        return try unsafe source.withUnsafeMutableBufferPointer { input throws(CodexError) in
            var status = Z_OK
            let packed = unsafe [UInt8](unsafeUninitializedCapacity: bound) { output, written in
                unsafe stream.next_in = input.baseAddress
                unsafe stream.avail_in = uInt(input.count)
                unsafe stream.next_out = output.baseAddress
                unsafe stream.avail_out = uInt(output.count)
                status = unsafe deflate(&stream, Z_FINISH)
                written = unsafe Int(stream.total_out)
            }
            guard status == Z_STREAM_END else { throw outOfMemory }
            return packed
        }
    }

    /// Unpacks a gzip file.
    ///
    /// The file has one or more members (RFC 1952, 2.2), and may have zeros after each.
    ///
    /// - Parameters:
    ///   - bytes: The file.
    ///   - limit: Most bytes that the file may unpack to.
    /// - Returns: The original bytes.
    /// - Throws: ``CodexError/Code/corrupted`` if the file is damaged, ends early, exceeds `limit`,
    ///   or has other data after a member.
    package static func gunzip(_ bytes: [UInt8], limit: Int) throws(CodexError) -> [UInt8] {
        // zlib counts its input bytes in 32 bits.
        guard let byteCount = uInt(exactly: bytes.count) else {
            throw Wire.corrupted("the length of a gzip file")
        }
        var stream = unsafe z_stream()
        guard
            unsafe inflateInit2_(
                &stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw outOfMemory }
        defer { _ = unsafe inflateEnd(&stream) }
        var source = bytes
        var unpacked: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        return try unsafe source.withUnsafeMutableBufferPointer { input throws(CodexError) in
            unsafe stream.next_in = input.baseAddress
            unsafe stream.avail_in = byteCount
            while true {
                let status = unsafe chunk.withUnsafeMutableBufferPointer { output in
                    unsafe stream.next_out = output.baseAddress
                    unsafe stream.avail_out = uInt(output.count)
                    return unsafe CodexCZlib.inflate(&stream, Z_NO_FLUSH)
                }
                let count = unsafe chunk.count - Int(stream.avail_out)
                guard status == Z_OK || status == Z_STREAM_END, count <= limit - unpacked.count,
                    status == Z_STREAM_END || count > 0
                else { throw Wire.corrupted("a gzip file does not unpack") }
                unpacked += chunk[..<count]
                guard status == Z_STREAM_END else { continue }
                let end = unsafe bytes.count - Int(stream.avail_in)
                guard let next = bytes[end...].firstIndex(where: { $0 != 0 }) else {
                    return unpacked
                }
                // zlib refuses what is no member.
                guard unsafe inflateReset(&stream) == Z_OK else {
                    throw Wire.corrupted("a gzip file does not unpack")
                }
                unsafe stream.next_in = input.baseAddress.map { unsafe $0 + next }
                unsafe stream.avail_in = uInt(bytes.count - next)
            }
        }
    }

    private static var outOfMemory: CodexError {
        CodexError(.outOfMemory, "There is no memory left to compress.")
    }

    /// CRC-32 as zlib and gzip compute it.
    package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        let bytes = Array(bytes)
        return checksum(bytes, in: 0..<bytes.count, after: 0)
    }

    /// CRC-32 of a range of bytes, continued from the checksum of the bytes before it.
    package static func checksum(
        _ bytes: [UInt8], in range: Range<Int>, after previous: UInt32
    ) -> UInt32 {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            let part = unsafe UnsafeBufferPointer(rebasing: buffer[range])
            return UInt32(
                truncatingIfNeeded: unsafe crc32_z(
                    uLong(previous), part.baseAddress, part.count))
        }
    }
}
