internal import CodexCore

/// A segment of a parallel scan: the items whose partition key belongs to it.
///
/// The segment of a partition depends on the partition's key alone. Each item is therefore in
/// exactly one segment, regardless of writes between two pages and of the source of the start key.
struct Segment: Sendable {
    private let number: Int
    private let count: Int

    init?(_ input: RequestParameters) throws {
        let (number, count) = (try input.integer("Segment"), try input.integer("TotalSegments"))
        guard let count else {
            guard number == nil else {
                throw ServiceError.validation(
                    "The TotalSegments parameter is required but was not present in the request when "
                        + "Segment parameter is present")
            }
            return nil
        }
        guard let number else {
            throw ServiceError.validation(
                "The Segment parameter is required but was not present in the request when parameter "
                    + "TotalSegments is present")
        }
        guard (0..<max(0, count)).contains(number) else {
            throw ServiceError.validation(
                "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
                    + "Segment: \(number) is not less than TotalSegments: \(count)")
        }
        (self.number, self.count) = (number, count)
    }

    func includes(_ key: AttributeValue) -> Bool {
        // FNV-1a gives the same result in each process and at each time.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        switch key {
        case .string(let text): add(text.utf8)
        case .number(let number): add(number.description.utf8)
        case .binary(let bytes): add(bytes)
        default: break
        }
        return Int((hash >> 16) % UInt64(count)) == number
    }
}
