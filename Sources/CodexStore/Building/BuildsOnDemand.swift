/// Lets the builder of a store work on demand alone: ``Store/build(stepCountMax:)``.
///
/// The builder then looks for no work by itself, and no call waits for builds. A failure is thrown
/// at once, and nothing is retried after some time. So a test decides when each step runs.
package struct BuildsOnDemand: Sendable {
    /// What a part of the work has left.
    package enum Outcome: String, Sendable {
        /// There is nothing to build or to empty.
        case done
        /// There may be more to do.
        case more
        /// Another process builds.
        case busy
    }

    /// The number of items or entries that end a step, 2 or more.
    package var entryCountMax: Int
    /// Called before each step, outside of transactions.
    package var willStep: @Sendable () -> Void

    /// Creates a part of a store.
    package init(
        entryCountMax: Int = 1000, willStep: @escaping @Sendable () -> Void = {}
    ) {
        self.entryCountMax = entryCountMax
        self.willStep = willStep
    }
}
