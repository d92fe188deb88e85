internal import CodexCore
internal import CodexStore

/// Makes all calls of a store but one.
final class OmittedCall: StoreCalls {
    private let omitted: StoreCall

    init(_ omitted: StoreCall) { self.omitted = omitted }

    func perform(
        _ call: StoreCall, _ make: () throws(CodexError) -> Void
    ) throws(CodexError) {
        guard call != omitted else { return }
        try make()
    }
}
