/// A list, map or set of a stored item, which is compared and searched in its encoding.
///
/// The steps of the operations are those of ``Condition/evaluate(_:steps:)``.
struct StoredContainer {
    private let value: StoredValue
    /// The type: a list, a map or a set.
    let type: AttributeType
    /// The number of members.
    let count: Int

    /// Creates a container from a value that was found with the offsets of its members.
    ///
    /// - Returns: `nil` if the value is no list, map or set.
    /// - Throws: ``CodexError/Code/corrupted``.
    init?(_ value: StoredValue) throws(CodexError) {
        guard let type = value.containerType else { return nil }
        self.value = value
        self.type = type
        var position = value.range.lowerBound + 1
        count = try Wire.count(value.bytes.span, &position)
    }

    // MARK: Equality

    /// Whether a value in memory equals the container.
    ///
    /// - Complexity: O(*n*) in the number of the other value's members, if the numbers are equal.
    func equals(_ other: AttributeValue, _ steps: inout Int) -> Bool {
        steps -= 1
        guard steps >= 0, other.type == type, other.size == count else { return false }
        let encoded = StoredValue(other).bytes
        return hasBytes(encoded.span, &steps)
    }

    /// Whether another container has the same members.
    func equals(_ other: StoredContainer, _ steps: inout Int) -> Bool {
        steps -= 1
        return hasBytes(other.value.bytes.span.extracting(other.value.range), &steps)
    }

    private func hasBytes(_ other: Span<UInt8>, _ steps: inout Int) -> Bool {
        guard other.count == value.range.count else { return false }
        steps -= other.count / 8
        guard steps >= 0 else { return false }
        return ByteOrder.compare(value.bytes.span.extracting(value.range), other) == 0
    }

    // MARK: Members

    /// Whether the container has a value in memory as a member.
    func contains(_ member: AttributeValue, _ steps: inout Int) -> Bool {
        switch (type, member) {
        case (.list, _):
            let encoded = StoredValue(member).bytes
            return hasElement(encoded.span, &steps)
        case (.stringSet, .string(let text)): return hasMember(Array(text.utf8), &steps)
        case (.binarySet, .binary(let data)): return hasMember(data, &steps)
        case (.numberSet, .number(let number)): return hasMember(number, &steps)
        default: return false
        }
    }

    /// Whether the container, a list, has another container as an element.
    func contains(_ member: StoredContainer, _ steps: inout Int) -> Bool {
        guard type == .list else { return false }
        return hasElement(member.value.bytes.span.extracting(member.value.range), &steps)
    }

    /// Whether a list has an element with this encoding.
    private func hasElement(_ element: Span<UInt8>, _ steps: inout Int) -> Bool {
        let bytes = value.bytes.span
        for place in value.starts.indices {
            steps -= AttributeValue.memberStepCount + 1
            guard steps >= 0 else { return false }
            let range = memberRange(place)
            guard range.count == element.count, bytes[range.lowerBound] == element[0] else {
                continue
            }
            steps -= element.count / 8
            guard steps >= 0 else { return false }
            if ByteOrder.compare(bytes.extracting(range), element) == 0 { return true }
        }
        return false
    }

    /// Whether a set has a text or bytes as a member.
    private func hasMember(_ member: [UInt8], _ steps: inout Int) -> Bool {
        search(byteCount: member.count, &steps) { place in
            let bytes = value.bytes.span
            let whole = memberRange(place)
            var start = whole.lowerBound
            // The length before the content ends with its first byte below 0x80.
            while bytes[start] >= 0x80 { start += 1 }
            let content = bytes.extracting((start + 1)..<whole.upperBound)
            return ByteOrder.compare(content, member.span)
        }
    }

    /// Whether a set has a number as a member.
    private func hasMember(_ member: Number, _ steps: inout Int) -> Bool {
        search(byteCount: 0, &steps) { place in
            var position = memberRange(place).lowerBound
            // The number was read before, when the item was checked.
            guard let number = try? ValueCodec.number(value.bytes.span, &position) else {
                return 1
            }
            return Number.order(number, member)
        }
    }

    /// Searches a set for a member of `byteCount` bytes.
    ///
    /// - Parameters:
    ///   - byteCount: The bytes of the member; 0 for a number.
    ///   - steps: The remaining steps. Each place of the binary search takes a member's steps, and
    ///     one step for each eight bytes.
    ///   - compare: The order of the member at a place, compared with the one that is searched for.
    /// - Returns: Whether the member was found.
    private func search(
        byteCount: Int, _ steps: inout Int, _ compare: (_ place: Int) -> Int
    ) -> Bool {
        let placeCount = Int.bitWidth - count.leadingZeroBitCount
        steps -= 1 + placeCount * (AttributeValue.memberStepCount + byteCount / 8)
        guard steps >= 0 else { return false }
        var (low, high) = (0, value.starts.count)
        while low < high {
            let middle = (low + high) / 2
            let order = compare(middle)
            if order == 0 { return true }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return false
    }

    /// The bytes of the member at a place.
    private func memberRange(_ place: Int) -> Range<Int> {
        let next = place + 1
        let end = next < value.starts.count ? Int(value.starts[next]) : value.range.upperBound
        return Int(value.starts[place])..<end
    }
}
