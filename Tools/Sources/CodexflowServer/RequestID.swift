#if Server
    import Synchronization

    /// The identifiers of answers: random numbers in the form of a UUID of version 4.
    ///
    /// Clients write them into their logs. The numbers are hashes of a counter, whose key is a
    /// random number of the process. So no answer needs a system call, and no client can tell from
    /// its identifiers how many others there were.
    enum RequestID {
        private static let count = Atomic<UInt64>(0)

        /// The identifier of the next answer.
        static func next() -> String {
            let number = count.wrappingAdd(1, ordering: .relaxed).newValue
            return text(hash(number, false), hash(number, true))
        }

        private static func hash(_ number: UInt64, _ isSecond: Bool) -> UInt64 {
            var hasher = Hasher()
            hasher.combine(number)
            hasher.combine(isSecond)
            return UInt64(bitPattern: Int64(hasher.finalize()))
        }

        /// Two numbers as a UUID; the bits of version and variant replace theirs.
        static func text(_ high: UInt64, _ low: UInt64) -> String {
            let first: UInt64 = high & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
            let second: UInt64 = low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
            return String(unsafeUninitializedCapacity: 36) { text in
                var position = 0
                for place in 0..<32 {
                    if place == 8 || place == 12 || place == 16 || place == 20 {
                        text[position] = UInt8(ascii: "-")
                        position += 1
                    }
                    let half = place < 16 ? first : second
                    let shift = UInt64(60 - 4 * (place % 16))
                    let value = UInt8(truncatingIfNeeded: half >> shift) & 15
                    text[position] =
                        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
                    position += 1
                }
                return position
            }
        }
    }
#endif
