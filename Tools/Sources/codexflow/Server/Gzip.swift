#if Server
    import CodexflowCZlib

    /// Bodies in gzip's format, by zlib.
    enum Gzip {
        /// The CRC-32 of bytes.
        static func checksum(_ bytes: [UInt8]) -> UInt {
            bytes.withUnsafeBufferPointer { UInt(crc32(0, $0.baseAddress, uInt($0.count))) }
        }

        /// What a gzip stream holds; `nil` if it is none, or holds more than `limit` bytes.
        static func inflated(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
            var stream = z_stream()
            // 16 more bits of window: gzip's header.
            guard
                inflateInit2_(
                    &stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
            else { return nil }
            defer { inflateEnd(&stream) }
            var input = bytes
            return input.withUnsafeMutableBufferPointer { input -> [UInt8]? in
                stream.next_in = input.baseAddress
                stream.avail_in = uInt(input.count)
                var output: [UInt8] = []
                var chunk = [UInt8](repeating: 0, count: 64 << 10)
                while true {
                    let (status, count) = chunk.withUnsafeMutableBufferPointer { chunk in
                        stream.next_out = chunk.baseAddress
                        stream.avail_out = uInt(chunk.count)
                        let status = inflate(&stream, Z_NO_FLUSH)
                        return (status, chunk.count - Int(stream.avail_out))
                    }
                    output += chunk.prefix(count)
                    guard output.count <= limit else { return nil }
                    if status == Z_STREAM_END { return stream.avail_in == 0 ? output : nil }
                    guard status == Z_OK, count > 0 || stream.avail_in > 0 else { return nil }
                }
            }
        }

        /// Bytes as a gzip stream; `nil` if there is no memory.
        static func deflated(_ bytes: [UInt8]) -> [UInt8]? {
            var stream = z_stream()
            guard
                deflateInit2_(
                    &stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                    Int32(MemoryLayout<z_stream>.size)) == Z_OK
            else { return nil }
            defer { deflateEnd(&stream) }
            var input = bytes
            var output = [UInt8](
                repeating: 0, count: Int(deflateBound(&stream, uLong(bytes.count))))
            let isDone = input.withUnsafeMutableBufferPointer { input in
                output.withUnsafeMutableBufferPointer { output in
                    stream.next_in = input.baseAddress
                    stream.avail_in = uInt(input.count)
                    stream.next_out = output.baseAddress
                    stream.avail_out = uInt(output.count)
                    return deflate(&stream, Z_FINISH) == Z_STREAM_END
                }
            }
            guard isDone else { return nil }
            output.removeSubrange(Int(stream.total_out)...)
            return output
        }
    }
#endif
