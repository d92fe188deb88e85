package import CodexCore
package import CodexStore
import Synchronization

/// Fails each call of one kind, once it is armed.
package final class FailingCall: StoreCalls {
    private let failing: StoreCall
    private let isArmed = Atomic(false)

    /// Creates it, not armed.
    package init(_ failing: StoreCall) { self.failing = failing }

    /// Lets all further calls of the kind fail.
    package func arm() { isArmed.store(true, ordering: .relaxed) }

    package func perform(
        _ call: StoreCall, _ make: () throws(CodexError) -> Void
    ) throws(CodexError) {
        guard call != failing || !isArmed.load(ordering: .relaxed) else {
            throw CodexError(.inputOutput, "The device failed.")
        }
        try make()
    }
}
