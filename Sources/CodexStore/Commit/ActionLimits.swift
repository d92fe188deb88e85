internal import CodexCore

/// The limits of a list of actions, for all of them together.
///
/// A list of a remote client occupies the writer while it runs. Its items stay in memory until all
/// of them are checked.
package struct ActionLimits: Sendable {
    /// The maximum bytes of the items; each counts by the larger of its old and its new size.
    package let byteCount: Int
    /// The maximum bytes of the stored encodings of items that are only read.
    ///
    /// They include inflated values, and the names of items that carry their own.
    package let encodedByteCount: Int
    /// The maximum steps of the conditions.
    package let stepCount: Int

    /// The limits of a transaction of DynamoDB's protocol.
    ///
    /// The encodings may have four times the bytes that DynamoDB counts for the items. A list of
    /// numbers like 9E18 has 3.7 times as many. An item that carries its names usually has up to
    /// three times as many: each name has a length, and a place in the table of offsets. Few items
    /// have more than four times as many, such as sets of numbers like 9E18 (5.5 times).
    package static let dynamoDB = ActionLimits(
        byteCount: DynamoDBLimits.transactionByteCountMax,
        encodedByteCount: 4 * DynamoDBLimits.transactionByteCountMax,
        stepCount: StoreLimits.conditionStepCountMax)
}

/// The rest of the limits that a list of actions may still use.
struct ActionAccount {
    private let isLimited: Bool
    private var byteCount: Int
    private var encodedByteCount: Int
    /// The bytes of the action's old item.
    private var oldByteCount = 0
    /// The steps that the condition of the action may take.
    var stepCount: Int

    init(_ limits: ActionLimits?) {
        isLimited = limits != nil
        byteCount = limits?.byteCount ?? .max
        encodedByteCount = limits?.encodedByteCount ?? .max
        stepCount = limits?.stepCount ?? StoreLimits.conditionStepCountMax
    }

    /// Begins an action, and subtracts the bytes of its old item.
    ///
    /// - Throws: ``CodexError/Code/transactionTooLarge``.
    mutating func begin(_ old: Item?) throws(CodexError) {
        restoreSteps()
        guard isLimited else { return }
        oldByteCount = old?.byteCount ?? 0
        try take(oldByteCount)
    }

    /// Begins an action that only checks a condition, and subtracts the bytes of its encoding.
    ///
    /// - Throws: ``CodexError/Code/transactionTooLarge``.
    mutating func beginCheck(encodedByteCount count: Int) throws(CodexError) {
        restoreSteps()
        guard isLimited else { return }
        encodedByteCount -= count
        guard encodedByteCount >= 0 else { throw Self.encodingsTooLarge }
    }

    /// Subtracts the bytes of an item that was checked.
    ///
    /// - Throws: ``CodexError/Code/transactionTooLarge``.
    mutating func endCheck(byteCount: Int) throws(CodexError) {
        guard isLimited else { return }
        try take(byteCount)
    }

    /// Whether the conditions so far have taken all steps, so that no further one can hold.
    var isExhausted: Bool { isLimited && stepCount < 0 }

    /// Without limits, each condition has the full number of steps.
    private mutating func restoreSteps() {
        if !isLimited { stepCount = StoreLimits.conditionStepCountMax }
    }

    /// Subtracts the growth of the item.
    ///
    /// - Throws: ``CodexError/Code/transactionTooLarge``.
    mutating func end(_ new: Item?) throws(CodexError) {
        guard isLimited, let new else { return }
        try take(max(0, new.byteCount - oldByteCount))
    }

    /// Subtracts the largest item that an update may have made before it was refused for its size.
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
                    + "\(DynamoDBLimits.transactionByteCountMax) bytes. Split it.",
                .transactionSize)
        }
    }

    private static var encodingsTooLarge: CodexError {
        CodexError(
            .transactionTooLarge,
            "The items that the transaction checks take more than "
                + "\(ActionLimits.dynamoDB.encodedByteCount) bytes in the store. Split it.")
    }
}
