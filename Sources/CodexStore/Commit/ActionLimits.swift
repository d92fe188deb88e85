internal import CodexCore

/// What a list of actions may take, all of them together.
///
/// A list that comes from elsewhere holds the writer as long as it takes, and its items are in
/// memory until all of them are judged.
package struct ActionLimits: Sendable {
    /// Most bytes of the items, each as it was or as it becomes, whichever is larger.
    package let byteCount: Int
    /// Most steps of the conditions.
    package let stepCount: Int

    /// Those of a transaction of DynamoDB's protocol.
    package static let dynamoDB = ActionLimits(
        byteCount: DynamoDBLimits.transactionByteCountMax,
        stepCount: StoreLimits.conditionStepCountMax)
}

/// What a list of actions may still take.
struct ActionAccount {
    private let isLimited: Bool
    private var byteCount: Int
    /// The bytes of the action's item as it was.
    private var oldByteCount = 0
    /// The steps that the condition of the action may take.
    var stepCount: Int

    init(_ limits: ActionLimits?) {
        isLimited = limits != nil
        byteCount = limits?.byteCount ?? .max
        stepCount = limits?.stepCount ?? StoreLimits.conditionStepCountMax
    }

    /// Begins with an action, and takes the bytes of its item.
    ///
    /// - Throws: ``CodexError/Code/transactionTooLarge``.
    mutating func begin(_ old: Item?) throws(CodexError) {
        guard isLimited else {
            // Each condition has its own.
            stepCount = StoreLimits.conditionStepCountMax
            return
        }
        oldByteCount = old?.byteCount ?? 0
        try take(oldByteCount)
    }

    /// Takes by how much the item becomes larger.
    ///
    /// - Throws: ``CodexError/Code/transactionTooLarge``.
    mutating func end(_ new: Item?) throws(CodexError) {
        guard isLimited, let new else { return }
        try take(max(0, new.byteCount - oldByteCount))
    }

    /// Takes what an update may have made before it was refused for its size.
    ///
    /// - Throws: ``CodexError/Code/transactionTooLarge``.
    mutating func fail(_ error: CodexError) throws(CodexError) {
        guard isLimited, error.code == .itemTooLarge else { return }
        try take(DynamoDBLimits.itemByteCountMax)
    }

    private mutating func take(_ count: Int) throws(CodexError) {
        byteCount -= count
        guard byteCount >= 0 else {
            throw CodexError(
                .transactionTooLarge,
                "The items of the transaction exceed the maximum allowed size together: "
                    + "\(DynamoDBLimits.transactionByteCountMax) bytes. Split it.")
        }
    }
}
