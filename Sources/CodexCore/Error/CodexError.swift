/// The error that every Codex operation throws: a code, the problem, and the remedy.
///
/// Match on ``code``; messages are for people and may change. Neither ``message`` nor
/// ``description`` contains attribute values or key values of users' items.
///
/// ```swift
/// do {
///     try await store.insert(user)
/// } catch CodexError.Code.conditionFailed {
///     // another write was faster
/// }
/// ```
public struct CodexError: Error, Sendable {
    private final class Storage: Sendable {
        let code: Code
        let message: String
        let cause: (any Error)?
        let currentItem: CurrentItem?
        let reasons: [CodexError?]
        let position: Int?
        let violation: RuleViolation?
        let fileID: String
        let line: Int

        init(
            code: Code, message: String, cause: (any Error)?, currentItem: CurrentItem?,
            reasons: [CodexError?], position: Int?, violation: RuleViolation?, fileID: String,
            line: Int
        ) {
            self.code = code
            self.message = message
            self.cause = cause
            self.currentItem = currentItem
            self.reasons = reasons
            self.position = position
            self.violation = violation
            self.fileID = fileID
            self.line = line
        }
    }

    /// The stored item that made a condition fail.
    package enum CurrentItem: Sendable {
        /// The item in memory.
        case decoded(Item)
        /// The item in its stored form.
        case stored(StoredItem)
    }

    private let storage: Storage

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - code: The kind of failure, for programs.
    ///   - message: The problem and its remedy, for people; it contains no user data.
    ///   - cause: The underlying error, if any.
    ///   - currentItem: The stored item that made a condition fail.
    ///   - reasons: With ``Code/transactionCancelled``, the error of each action.
    ///   - violation: With ``Code/ruleViolated``, the rule, the field and the values.
    ///   - fileID: The file that creates the error.
    ///   - line: The line that creates the error.
    public init(
        _ code: Code,
        _ message: String,
        cause: (any Error)? = nil,
        currentItem: Item? = nil,
        reasons: [CodexError?] = [],
        violation: RuleViolation? = nil,
        fileID: String = #fileID,
        line: Int = #line
    ) {
        storage = Storage(
            code: code, message: message, cause: cause,
            currentItem: currentItem.map(CurrentItem.decoded), reasons: reasons, position: nil,
            violation: violation, fileID: fileID, line: line)
    }

    /// Creates the error of a condition that failed for an item in its stored form.
    package init(
        _ code: Code, _ message: String, storedItem: StoredItem?, fileID: String = #fileID,
        line: Int = #line
    ) {
        storage = Storage(
            code: code, message: message, cause: nil,
            currentItem: storedItem.map(CurrentItem.stored), reasons: [], position: nil,
            violation: nil, fileID: fileID, line: line)
    }

    private init(_ storage: Storage) { self.storage = storage }

    /// The same error, for the action at `position` of a list.
    package func at(_ position: Int) -> CodexError {
        CodexError(
            Storage(
                code: code, message: message, cause: cause, currentItem: storage.currentItem,
                reasons: reasons, position: position, violation: violation,
                fileID: storage.fileID, line: storage.line))
    }

    /// The same error without the stored item.
    package var withoutItem: CodexError {
        guard storage.currentItem != nil else { return self }
        return CodexError(
            Storage(
                code: code, message: message, cause: cause, currentItem: nil, reasons: reasons,
                position: position, violation: violation, fileID: storage.fileID,
                line: storage.line))
    }

    /// The position of the failed action in a list, if the error belongs to one.
    package var position: Int? { storage.position }

    /// The kind of failure.
    public var code: Code { storage.code }
    /// The problem and its remedy, for people.
    public var message: String { storage.message }
    /// The underlying error, of a failed system or LMDB call.
    public var cause: (any Error)? { storage.cause }
    /// The stored item, with ``Code/conditionFailed`` and ``Code/versionMismatch``; `nil` if there
    /// is none.
    ///
    /// It is user data, so do not log it without care.
    ///
    /// - Complexity: O(*n*) in the number of the item's values, for the condition of an action that
    ///   only checks it.
    public var currentItem: Item? {
        switch storage.currentItem {
        case nil: nil
        case .decoded(let item)?: item
        case .stored(let item)?: try? item.item()
        }
    }
    /// The stored item that made a condition fail, in the form in which the error has it.
    package var failedItem: CurrentItem? { storage.currentItem }
    /// With ``Code/transactionCancelled``, one entry for each action of the list, in order.
    ///
    /// The entry is `nil` for an action that did not fail.
    public var reasons: [CodexError?] { storage.reasons }
    /// With ``Code/ruleViolated``, the broken rule with the field and the values that broke it.
    ///
    /// The values are user data, so do not log them without care.
    public var violation: RuleViolation? { storage.violation }
    /// The place in Codex's sources that made the error, as `file:line`.
    public var location: String { "\(storage.fileID):\(storage.line)" }

    /// Lets `catch CodexError.Code.closed` match by code.
    public static func ~= (code: Code, error: CodexError) -> Bool { error.code == code }
}

extension CodexError: Equatable {
    /// Two errors are equal if their codes are equal; only ``code`` is compared.
    public static func == (lhs: Self, rhs: Self) -> Bool { lhs.code == rhs.code }
}

extension CodexError: CustomStringConvertible {
    /// The code and the message, and the cause if there is one.
    ///
    /// It contains no user data.
    public var description: String {
        let tail = cause.map { " (\($0))" } ?? ""
        return "\(code): \(message)\(tail)"
    }
}

/// Lets `catch CodexError.Code.closed` match any error by its code.
public func ~= (code: CodexError.Code, error: any Error) -> Bool {
    (error as? CodexError)?.code == code
}
