#if Server
    import CodexSignatures
    import Crypto
    import NIOCore

    /// A request's body while it is arriving.
    struct RequestBody {
        private(set) var bytes: [UInt8] = []
        private var hasher: SHA256?
        /// The charged bytes of the parts, at least ``partByteCountMin`` for each.
        private var chargedByteCount = 0

        /// The bytes that a part is charged at least.
        ///
        /// A body of tiny chunks therefore reaches the limit sooner.
        static let partByteCountMin = 64

        /// Creates an empty body.
        ///
        /// - Parameters:
        ///   - byteCount: The announced length, if there is one.
        ///   - isHashed: Whether the body's hash is needed.
        init(byteCount: Int?, isHashed: Bool) {
            hasher = isHashed ? SHA256() : nil
            // The announced length alone reserves little memory.
            bytes.reserveCapacity(min(byteCount ?? 0, 4096))
        }

        /// Adds a part.
        ///
        /// - Throws: If the body is too large, or in too many parts.
        mutating func append(_ part: ByteBuffer) throws(RequestRefusal) {
            chargedByteCount += max(part.readableBytes, Self.partByteCountMin)
            guard chargedByteCount <= RequestRules.bodyByteCountMax + Self.partByteCountMin else {
                throw .tooLarge
            }
            guard bytes.count + part.readableBytes <= RequestRules.bodyByteCountMax else {
                throw .tooLarge
            }
            part.withUnsafeReadableBytes { part in
                hasher?.update(bufferPointer: part)
                bytes.append(contentsOf: part)
            }
        }

        /// The hash of the parts so far, in hexadecimal digits; `nil` if it is not needed.
        var hash: String? { hasher.map { CanonicalRequest.hexadecimal($0.finalize()) } }
    }
#endif
