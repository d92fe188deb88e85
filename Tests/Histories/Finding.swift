/// Something in a history that no correct store does.
package struct Finding: Hashable, Sendable, CustomStringConvertible {
    /// What it is, by the names of Adya and of Elle where they have one.
    package enum Kind: String, Sendable, CaseIterable {
        /// A list has a value that no operation appended to its key.
        case phantomValue
        /// A list has a value twice, or two operations append the same one.
        case duplicateValue
        /// G1a: a list has a value of an operation that failed.
        case abortedRead = "G1a, aborted read"
        /// G1b: a list ends with a value after which its operation appended another.
        case intermediateRead = "G1b, intermediate read"
        /// An operation reads what contradicts its own appends or reads.
        case internalRead
        /// Of two lists that were read of a key, none is the beginning of the other.
        case incompatibleOrder
        /// A read lacks values that an earlier read of the key had.
        case nonMonotonicRead
        /// A read lacks a value whose operation was acknowledged before the read began, and no list
        /// has it.
        case lostAppend
        /// Two operations read the same list and both append to it.
        case lostUpdate
        /// G0: a cycle of writes alone.
        case writeCycle = "G0, write cycle"
        /// G1c: a cycle of writes and of reads of them.
        case circularFlow = "G1c, circular information flow"
        /// G-single: a cycle with one anti-dependency.
        case readSkew = "G-single, read skew"
        /// G2: a cycle with several anti-dependencies.
        case writeSkew = "G2, anti-dependency cycle"
        /// An operation failed as on a full disk, and the disk was not full.
        case unexplainedFailure
        /// Conditions did not hold, as the store says, and the items that it returned satisfy them.
        case wrongRefusal
        /// The store accepts no write, however often its processes are started again.
        case noRecovery
    }

    package let kind: Kind
    /// Whether the cycle needs the real time at which operations ended and began.
    package let isRealTime: Bool
    /// The numbers of the operations, of a cycle in its order.
    package let operations: [Int]
    /// What was seen.
    package let text: String

    init(_ kind: Kind, isRealTime: Bool = false, operations: [Int], _ text: String) {
        (self.kind, self.isRealTime) = (kind, isRealTime)
        (self.operations, self.text) = (operations, text)
    }

    package var description: String {
        "\(kind.rawValue)\(isRealTime ? " (real time)" : ""): \(text)"
    }
}
