/// Writes JSON text.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// Starts text with room for `byteCount` bytes.
    package init(reserving byteCount: Int) { bytes.reserveCapacity(byteCount) }

    /// Continues JSON that was written before.
    package init(continuing bytes: [UInt8]) { self.bytes = bytes }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Appends an item in DynamoDB's typed JSON.
    package mutating func typed(_ item: AttributeMap) {
        object(item) { $0.typed($1) }
    }

    /// Appends a value in DynamoDB's typed JSON.
    package mutating func typed(_ value: AttributeValue) {
        raw(Self.opening(value))
        switch value {
        case .string(let text): string(text)
        case .number(let number): quoted(number)
        case .binary(let data): string(Base64.encode(data))
        case .bool(let flag): raw(flag ? "true" : "false")
        case .null: raw("true")
        case .list(let values): array(values) { $0.typed($1) }
        case .map(let map): typed(map)
        case .stringSet(let set): array(set.members) { $0.string($1) }
        case .numberSet(let set): array(set.members) { $0.quoted($1) }
        case .binarySet(let set): array(set.members) { $0.string(Base64.encode($1)) }
        }
        raw("}")
    }

    /// The beginning of a value, with its type.
    ///
    /// The texts are literals, because a list may have 400,000 values.
    private static func opening(_ value: AttributeValue) -> String {
        switch value {
        case .string: "{\"S\":"
        case .number: "{\"N\":"
        case .binary: "{\"B\":"
        case .bool: "{\"BOOL\":"
        case .null: "{\"NULL\":"
        case .list: "{\"L\":"
        case .map: "{\"M\":"
        case .stringSet: "{\"SS\":"
        case .numberSet: "{\"NS\":"
        case .binarySet: "{\"BS\":"
        }
    }

    /// Appends a value as plain JSON.
    package mutating func plain(_ value: AttributeValue) {
        switch value {
        case .string(let text): string(text)
        case .number(let number): self.number(number)
        case .binary(let data): string(Base64.encode(data))
        case .bool(let flag): raw(flag ? "true" : "false")
        case .null: raw("null")
        case .list(let values): array(values) { $0.plain($1) }
        case .map(let map): object(map) { $0.plain($1) }
        case .stringSet(let set): array(set.members) { $0.string($1) }
        case .numberSet(let set): array(set.members) { $0.number($1) }
        case .binarySet(let set): array(set.members) { $0.string(Base64.encode($1)) }
        }
    }

    /// Removes the bytes after the first `count` ones.
    package mutating func removeBytes(from count: Int) { bytes.removeSubrange(count...) }

    /// Appends bytes that are JSON already.
    package mutating func append(_ other: ArraySlice<UInt8>) { bytes.append(contentsOf: other) }

    /// Appends bytes that are JSON already.
    package mutating func append(_ other: Span<UInt8>) {
        unsafe other.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Appends text that is JSON already.
    package mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func object(
        _ map: AttributeMap, _ write: (inout JSONWriter, AttributeValue) -> Void
    ) {
        raw("{")
        for (index, element) in map.elements.enumerated() {
            if index > 0 { raw(",") }
            string(element.name)
            raw(":")
            write(&self, element.value)
        }
        raw("}")
    }

    private mutating func array<Element>(
        _ elements: [Element], _ write: (inout JSONWriter, Element) -> Void
    ) {
        raw("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { raw(",") }
            write(&self, element)
        }
        raw("]")
    }

    /// Appends a number in quotes, in the form of ``Number/description``.
    package mutating func quoted(_ number: Number) {
        bytes.append(UInt8(ascii: "\""))
        self.number(number)
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func number(_ number: Number) {
        unsafe withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: Number.textByteCountMax
        ) { buffer in
            // The capacity is not zero.
            let base = unsafe buffer.baseAddress.unsafelyUnwrapped
            let byteCount = unsafe number.write(to: base).byteCount
            unsafe bytes.append(contentsOf: buffer[..<byteCount])
        }
    }

    package mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        // Most text has nothing to escape and is appended as a whole.
        if text.utf8.contains(where: { JSONText.isEscaped($0) }) {
            escaped(text)
        } else {
            bytes.append(contentsOf: text.utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// The size of the pieces in which text with escapes is written, each in a stack buffer.
    private static let pieceByteCount = 128

    private mutating func escaped(_ text: String) {
        var text = text
        text.withUTF8 { text in
            var position = 0
            while position < text.count {
                let next = min(text.count, position + Self.pieceByteCount)
                let piece = unsafe UnsafeRawBufferPointer(
                    UnsafeBufferPointer(rebasing: text[position..<next]))
                unsafe withUnsafeTemporaryAllocation(
                    of: UInt8.self, capacity: Self.pieceByteCount * JSONText.escapedByteCountMax
                ) { buffer in
                    // The capacity is not zero.
                    let base = unsafe buffer.baseAddress.unsafelyUnwrapped
                    let byteCount = unsafe JSONText.write(piece, to: base).byteCount
                    unsafe bytes.append(contentsOf: buffer[..<byteCount])
                }
                position = next
            }
        }
    }
}
