#if Server
    import CodexflowCZlib

    /// Bodies in gzip's format, by zlib.
    package enum Gzip {
        /// The size to which any body may decompress.
        package static let freeByteCount = 256 << 10
        /// The decompressed bytes that each byte of a body may give beyond ``freeByteCount``.
        ///
        /// The limit keeps a request's cost in proportion to the bytes that its client sent. A
        /// client sends a body that compresses better in parts, or without gzip.
        package static let expansionMax = 8
        /// The most calls of zlib that decompress one body.
        ///
        /// A call ends with a header, a block or a member of the body, or with a portion of output.
        /// Members and blocks may be empty, so ``freeByteCount`` and ``expansionMax`` do not limit
        /// their number. Each takes up to some microseconds, since zlib builds the block's tables.
        /// Encoders write blocks of some 16 KiB, so a body of 16 MiB has about a thousand.
        package static let stepCountMax = 1 << 16

        /// The reason why a body was not decompressed.
        enum Failure: Error {
            /// It is not gzip.
            case malformed
            /// It decompresses to more than its limit.
            case tooLarge
            /// It has more members and blocks than ``stepCountMax`` allows.
            case tooManyBlocks
            /// The time of its request is over.
            case outOfTime
            /// The memory for it was refused.
            case outOfMemory
        }

        /// The most bytes to which a body of `byteCount` bytes may decompress.
        package static func byteCountMax(_ byteCount: Int, limit: Int) -> Int {
            min(limit, freeByteCount + expansionMax * byteCount)
        }

        /// Decompresses a gzip stream of one or more members (RFC 1952, 2.2).
        ///
        /// - Parameters:
        ///   - bytes: The stream.
        ///   - limit: The most decompressed bytes; no more are produced.
        ///   - reserve: Asked for the memory of each portion before it is kept.
        ///   - isOver: Asked before each call of zlib whether the time of the request is over.
        /// - Returns: The decompressed bytes.
        /// - Throws: ``Failure``.
        static func inflated(
            _ bytes: [UInt8], limit: Int, reserve: (Int) -> Bool, isOver: () -> Bool = { false }
        ) throws(Failure) -> [UInt8] {
            guard let inflater = Inflater() else { throw .outOfMemory }
            return try inflater.inflate(bytes, limit: limit, reserve: reserve, isOver: isOver)
        }

        /// The sizes of zlib's state while it compresses, as exponents of 2.
        struct StateSize: Equatable {
            /// The bytes of the window: a repetition is found only within it.
            let windowBits: Int32
            /// The level of the tables, from 1 to 9.
            let memoryLevel: Int32

            /// The size for a body.
            ///
            /// A body below 4 KiB needs no larger window. The state counts in no budget, and
            /// clients may ask for many short answers at once.
            init(_ byteCount: Int) {
                (windowBits, memoryLevel) = byteCount < 4 << 10 ? (12, 5) : (15, 8)
            }

            /// The bytes of window and tables (`zconf.h`); some thousand more are beside them.
            var byteCount: Int { 1 << (windowBits + 2) + 1 << (memoryLevel + 9) }
        }

        /// Compresses bytes into a gzip stream; `nil` if there is no memory.
        static func deflated(_ bytes: [UInt8]) -> [UInt8]? {
            var stream = z_stream()
            let size = StateSize(bytes.count)
            guard
                // Adding 16 to the window bits selects gzip's header.
                deflateInit2_(
                    &stream, Z_BEST_SPEED, Z_DEFLATED, size.windowBits + 16, size.memoryLevel,
                    Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
            else { return nil }
            defer { deflateEnd(&stream) }
            var output = [UInt8](
                repeating: 0, count: Int(deflateBound(&stream, uLong(bytes.count))))
            let isDone = bytes.withUnsafeBufferPointer { input in
                output.withUnsafeMutableBufferPointer { output in
                    // zlib does not change the input.
                    stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
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

        /// The CRC-32 of the bytes of all parts.
        static func checksum(_ parts: [[UInt8]]) -> UInt {
            parts.reduce(0) { sum, part in
                part.withUnsafeBufferPointer { crc32(sum, $0.baseAddress, uInt($0.count)) }
            }
        }
    }

    /// Decompresses one gzip stream.
    private final class Inflater {
        /// The state has a fixed address, since zlib's internal state points to it.
        private let stream: UnsafeMutablePointer<z_stream>

        private static let portionByteCount = 64 << 10

        /// Returns `nil` if there is no memory.
        init?() {
            stream = .allocate(capacity: 1)
            stream.initialize(to: z_stream())
            // Adding 16 to the window bits selects gzip's header.
            let status = inflateInit2_(
                stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            guard status == Z_OK else { return nil }
        }

        deinit {
            inflateEnd(stream)
            stream.deallocate()
        }

        func inflate(
            _ bytes: [UInt8], limit: Int, reserve: (Int) -> Bool, isOver: () -> Bool
        ) throws(Gzip.Failure) -> [UInt8] {
            var output: [UInt8] = []
            var portion = [UInt8](repeating: 0, count: Self.portionByteCount)
            var (offset, stepCount) = (0, 0)
            while true {
                guard !isOver() else { throw .outOfTime }
                guard stepCount < Gzip.stepCountMax else { throw .tooManyBlocks }
                stepCount += 1
                let step = step(bytes, from: offset, into: &portion)
                offset += step.taken
                guard output.count + step.made <= limit else { throw .tooLarge }
                guard step.made == 0 || reserve(step.made) else { throw .outOfMemory }
                output += portion.prefix(step.made)
                if step.status == Z_STREAM_END {
                    if offset == bytes.count { return output }
                    // The next member follows; other bytes are an error of its header.
                    guard inflateReset(stream) == Z_OK else { throw .malformed }
                    continue
                }
                guard step.status == Z_OK, step.made > 0 || step.taken > 0 else {
                    throw .malformed
                }
            }
        }

        /// Decompresses up to the end of a header, of a block or of a member, or one portion.
        private func step(
            _ input: [UInt8], from offset: Int, into portion: inout [UInt8]
        ) -> (status: Int32, taken: Int, made: Int) {
            let left = input.count - offset
            return input.withUnsafeBufferPointer { input in
                portion.withUnsafeMutableBufferPointer { portion in
                    // zlib does not change the input.
                    stream.pointee.next_in = input.baseAddress.map {
                        UnsafeMutablePointer(mutating: $0 + offset)
                    }
                    stream.pointee.avail_in = uInt(left)
                    stream.pointee.next_out = portion.baseAddress
                    stream.pointee.avail_out = uInt(portion.count)
                    let status = CodexflowCZlib.inflate(stream, Z_BLOCK)
                    return (
                        status, left - Int(stream.pointee.avail_in),
                        portion.count - Int(stream.pointee.avail_out)
                    )
                }
            }
        }
    }
#endif
