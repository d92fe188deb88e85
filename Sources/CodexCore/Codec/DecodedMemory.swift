internal import Synchronization

/// The memory of decoded items, which is reserved before they are decoded.
///
/// Code that keeps the items must also keep this object, because its deinitializer releases the
/// memory.
///
/// One thread at a time uses it.
package final class DecodedMemory: Sendable {
    private let ask: @Sendable (_ byteCount: Int) -> Bool
    private let releaseBytes: @Sendable (_ byteCount: Int) -> Void
    private let byteCountMax: Int
    private let reserved = Atomic(0)
    private let hasExceeded = Atomic(false)

    /// Creates an object that has reserved nothing.
    ///
    /// - Parameters:
    ///   - byteCountMax: Most bytes that it may have reserved at one time.
    ///   - ask: Requests more bytes; returns `false` to refuse them.
    ///   - release: Releases bytes that were granted.
    package init(
        byteCountMax: Int = .max, ask: @escaping @Sendable (_ byteCount: Int) -> Bool,
        release: @escaping @Sendable (_ byteCount: Int) -> Void
    ) {
        self.byteCountMax = byteCountMax
        self.ask = ask
        releaseBytes = release
    }

    deinit { release() }

    /// The bytes that are reserved.
    package var byteCount: Int { reserved.load(ordering: .relaxed) }

    /// Whether a request exceeded the most bytes that it may have reserved at one time.
    package var isExceeded: Bool { hasExceeded.load(ordering: .relaxed) }

    /// Reserves more bytes.
    ///
    /// - Throws: ``CodexError/Code/outOfMemory`` if they are refused.
    package func reserve(_ count: Int) throws(CodexError) {
        guard count <= byteCountMax - byteCount else {
            hasExceeded.store(true, ordering: .relaxed)
            throw Self.refused
        }
        guard ask(count) else { throw Self.refused }
        reserved.wrappingAdd(count, ordering: .relaxed)
    }

    /// Reserves or releases bytes until `count` bytes are reserved.
    ///
    /// It releases only the bytes that are too many, because others may take what is released.
    ///
    /// - Throws: ``CodexError/Code/outOfMemory`` if more bytes are refused.
    package func adjust(to count: Int) throws(CodexError) {
        if count > byteCount {
            try reserve(count - byteCount)
        } else {
            release(downTo: count)
        }
    }

    /// Releases all but `rest` bytes, when their items are not in memory any more.
    package func release(downTo rest: Int = 0) {
        let count = byteCount - rest
        guard count > 0 else { return }
        reserved.wrappingSubtract(count, ordering: .relaxed)
        releaseBytes(count)
    }

    private static var refused: CodexError {
        CodexError(
            .outOfMemory,
            "There is no memory to decode an item now. Try again later, or with fewer or smaller "
                + "items.")
    }
}

/// Estimates of the memory that decoded values take.
package enum DecodedSize {
    /// The header of a heap block, plus the bytes by which the allocator rounds the block up.
    package static let header = 48
    /// Longest text, in UTF-8 bytes, that the string stores inline.
    private static let inlineTextByteCountMax = 15

    /// Whether a text of this many bytes needs its own heap block.
    @inline(__always)
    package static func isBlock(textByteCount: Int) -> Bool {
        textByteCount > inlineTextByteCountMax
    }

    /// The bytes of a text beside the string itself.
    @inline(__always)
    package static func text(_ byteCount: Int) -> Int {
        isBlock(textByteCount: byteCount) ? byteCount + header : 0
    }

    /// The bytes of the elements of an array.
    @inline(__always)
    package static func array<Element>(of type: Element.Type, _ count: Int) -> Int {
        count == 0 ? 0 : count * MemoryLayout<Element>.stride + header
    }

    /// The bytes that one member of a set in a request takes: while members are read and sorted,
    /// they take up to three times their room.
    @inline(__always)
    package static func setMember<Element>(of type: Element.Type) -> Int {
        3 * MemoryLayout<Element>.stride
    }
}

extension AttributeMap {
    /// The bytes of memory that the attributes take; see ``DecodedSize``.
    ///
    /// - Complexity: O(*n*) in the number of values at all depths.
    package var memoryByteCount: Int {
        elements.reduce(DecodedSize.array(of: Element.self, count)) {
            $0 + DecodedSize.text($1.name.utf8.count) + $1.value.memoryByteCount
        }
    }
}

extension AttributeValue {
    fileprivate var memoryByteCount: Int {
        switch self {
        case .string(let text): DecodedSize.text(text.utf8.count)
        case .binary(let data): DecodedSize.array(of: UInt8.self, data.count)
        case .number, .bool, .null: 0
        case .list(let values):
            values.reduce(DecodedSize.array(of: AttributeValue.self, values.count)) {
                $0 + $1.memoryByteCount
            }
        case .map(let map): map.memoryByteCount
        case .stringSet(let set):
            set.members.reduce(DecodedSize.array(of: String.self, set.members.count)) {
                $0 + DecodedSize.text($1.utf8.count)
            }
        case .numberSet(let set): DecodedSize.array(of: Number.self, set.members.count)
        case .binarySet(let set):
            set.members.reduce(DecodedSize.array(of: [UInt8].self, set.members.count)) {
                $0 + DecodedSize.array(of: UInt8.self, $1.count)
            }
        }
    }
}
