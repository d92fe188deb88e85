/// Mistakes of a process of a soak, to show that the soak finds them.
package enum SoakFault: String, Sendable, CaseIterable {
    /// The process keeps memory that it does not need any more.
    case leak
    /// The process stores items that nobody removes.
    case growth
    /// A group is acknowledged, and one in ten was not written.
    case lostGroup
}
