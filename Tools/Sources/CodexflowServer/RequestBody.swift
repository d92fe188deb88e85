#if Server
    import Crypto
    import NIOCore

    /// A request's body while it arrives.
    struct RequestBody {
        private(set) var bytes: [UInt8] = []
        private var hasher: SHA256?
        /// What the parts have cost: each at least ``partByteCountMin``.
        private var chargedByteCount = 0

        /// A part costs as much as so many bytes at least.
        ///
        /// A body of tiny chunks reaches the limit sooner.
        static let partByteCountMin = 64

        /// Starts with nothing.
        ///
        /// - Parameters:
        ///   - byteCount: The announced length, if there is one.
        ///   - isHashed: Whether the body's hash will be asked for.
        init(byteCount: Int?, isHashed: Bool) {
            hasher = isHashed ? SHA256() : nil
            // An announcement alone gets no memory to speak of.
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

        /// The hash of the parts so far, in hexadecimal digits, if it was to be asked for.
        var hash: String? { hasher.map { CanonicalRequest.hexadecimal($0.finalize()) } }
    }
#endif
