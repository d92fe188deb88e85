internal import Synchronization

/// The parsed forms of texts that requests repeat, by the texts.
///
/// A program sends the same few expressions again and again, with other names and values. The cache
/// has what their texts mean without names and values.
///
/// The number and the bytes of the plans are bounded. To make room, the cache goes round over its
/// plans. It takes away the mark that a plan got when it was last found, and evicts the first plan
/// without a mark (the clock algorithm). So a text that occurs once is evicted before one that
/// occurs again.
///
/// Any number of threads may use it at once. Two of them may parse the same text; then the first
/// plan stays.
package final class PlanCache<Plan: Sendable>: Sendable {
    private struct Key: Hashable {
        let kind: UInt8
        let text: String
        /// The hash of the bytes, which is computed outside the lock.
        private let hash: Int

        init(kind: UInt8, text: String) {
            self.kind = kind
            self.text = text
            var hasher = Hasher()
            hasher.combine(kind)
            var copy = text
            copy.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            hash = hasher.finalize()
        }

        /// Compares the bytes of the texts, because equivalent characters have other meanings.
        static func == (lhs: Key, rhs: Key) -> Bool {
            lhs.kind == rhs.kind && ByteOrder.equal(lhs.text, rhs.text)
        }

        func hash(into hasher: inout Hasher) { hasher.combine(hash) }
    }

    private struct Entry {
        let key: Key
        let plan: Plan
        let byteCount: Int
        /// Whether the plan was found since the eviction last looked at it.
        var isMarked = false
    }

    private struct State {
        var places: [Key: Int] = [:]
        var entries: [Entry] = []
        var byteCount = 0
        /// The place at which the next eviction begins.
        var hand = 0

        /// Evicts a plan; there must be one.
        mutating func evict() {
            if hand >= entries.count { hand = 0 }
            while entries[hand].isMarked {
                entries[hand].isMarked = false
                hand = (hand + 1) % entries.count
            }
            places[entries[hand].key] = nil
            byteCount -= entries[hand].byteCount
            // The newest plan takes the free place, and the eviction goes on behind it.
            let last = entries.removeLast()
            guard hand < entries.count else { return }
            entries[hand] = last
            places[last.key] = hand
            hand += 1
        }
    }

    private let countMax: Int
    private let byteCountMax: Int
    // `Locked` of `CodexStore`, the lock for short contended sections, needs Foundation. This
    // module imports FoundationEssentials alone, which has no lock, so the guard is a `Mutex`.
    private let state = Mutex(State())

    /// Creates an empty cache.
    ///
    /// - Parameters:
    ///   - countMax: Most plans; at least one is kept.
    ///   - byteCountMax: Most bytes of all plans. A plan of more than an eighth is not kept.
    package init(countMax: Int, byteCountMax: Int) {
        self.countMax = max(1, countMax)
        self.byteCountMax = byteCountMax
    }

    /// The number of plans.
    package var count: Int { state.withLock { $0.entries.count } }

    /// The bytes of all plans.
    package var byteCount: Int { state.withLock { $0.byteCount } }

    /// Whether a plan of so many bytes is kept: a single plan must not push out all others.
    private func canKeep(_ byteCount: Int) -> Bool { byteCount <= byteCountMax / 8 }

    /// The plan of a text; `nil` if the cache does not have it.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - kind: The number of the grammar, if texts have several.
    /// - Returns: The plan.
    /// - Complexity: O(*n*) for *n* bytes of the text.
    package func plan(_ text: String, _ kind: UInt8 = 0) -> Plan? {
        guard canKeep(text.utf8.count) else { return nil }
        let key = Key(kind: kind, text: text)
        return state.withLock { state -> Plan? in
            guard let place = state.places[key] else { return nil }
            state.entries[place].isMarked = true
            return state.entries[place].plan
        }
    }

    /// Keeps the plan of a text, and evicts others to make room.
    ///
    /// - Parameters:
    ///   - plan: The plan.
    ///   - text: The text.
    ///   - kind: The number of the grammar, if texts have several.
    ///   - byteCount: The bytes that the plan takes with its text.
    package func insert(
        _ plan: Plan, for text: String, _ kind: UInt8 = 0, byteCount: Int
    ) {
        guard canKeep(byteCount), canKeep(text.utf8.count) else { return }
        let key = Key(kind: kind, text: text)
        state.withLock { state in
            guard state.places[key] == nil else { return }
            while state.entries.count >= countMax
                || state.byteCount > byteCountMax - byteCount
            {
                state.evict()
            }
            state.places[key] = state.entries.count
            state.entries.append(Entry(key: key, plan: plan, byteCount: byteCount))
            state.byteCount += byteCount
        }
    }
}
