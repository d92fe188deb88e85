/// The error that every Codex operation throws: a code, what was wrong, and what to do about it.
///
/// Match on ``code``; messages are for people and may change. Neither ``message`` nor
/// ``description`` contains attribute values or key values of users' items.
///
/// ```swift
/// do {
///     try await store.insert(user)
/// } catch CodexError.Code.conditionFailed {
///     // somebody was faster
/// }
/// ```
public struct CodexError: Error, Sendable {
    private final class Storage: Sendable {
        let code: Code
        let message: String
        let cause: (any Error)?
        let currentItem: Item?
        let reasons: [CodexError?]
        let position: Int?
        let violation: RuleViolation?
        let fileID: String
        let line: Int

        init(
            code: Code, message: String, cause: (any Error)?, currentItem: Item?,
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

    private let storage: Storage

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - code: The kind of failure, for programs.
    ///   - message: What went wrong and how it may be remedied, for people. No user data.
    ///   - cause: The error beneath this one, if any.
    ///   - currentItem: The stored item that made a condition fail.
    ///   - reasons: With ``Code/transactionCancelled``, what each action failed with.
    ///   - violation: With ``Code/ruleViolated``, the rule, the field and the values.
    ///   - fileID: Where the error was made.
    ///   - line: Where the error was made.
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
            code: code, message: message, cause: cause, currentItem: currentItem,
            reasons: reasons, position: nil, violation: violation, fileID: fileID, line: line)
    }

    private init(_ storage: Storage) { self.storage = storage }

    /// The same error, of the action at `position` of a list.
    package func at(_ position: Int) -> CodexError {
        CodexError(
            Storage(
                code: code, message: message, cause: cause, currentItem: currentItem,
                reasons: reasons, position: position, violation: violation,
                fileID: storage.fileID, line: storage.line))
    }

    /// The same error without the stored item.
    package var withoutItem: CodexError {
        guard currentItem != nil else { return self }
        return CodexError(
            Storage(
                code: code, message: message, cause: cause, currentItem: nil, reasons: reasons,
                position: position, violation: violation, fileID: storage.fileID,
                line: storage.line))
    }

    /// Which action of a list made the error, where one did.
    package var position: Int? { storage.position }

    /// The kind of failure.
    public var code: Code { storage.code }
    /// What went wrong and what to do; for people.
    public var message: String { storage.message }
    /// The error beneath this one: a failed system or LMDB call.
    public var cause: (any Error)? { storage.cause }
    /// With ``Code/conditionFailed`` and ``Code/versionMismatch``: the item as it is stored, or
    /// `nil` if there is none.
    ///
    /// It is user data: do not log it blindly.
    public var currentItem: Item? { storage.currentItem }
    /// With ``Code/transactionCancelled``: one entry for each action of the list, in order; `nil` for
    /// those that did not fail.
    public var reasons: [CodexError?] { storage.reasons }
    /// With ``Code/ruleViolated``: the rule that was broken, by which field and which values.
    ///
    /// Its values are user data: do not log them blindly.
    public var violation: RuleViolation? { storage.violation }
    /// The place in Codex's sources that made the error, as `file:line`.
    public var location: String { "\(storage.fileID):\(storage.line)" }

    /// Lets `catch CodexError.Code.closed` match by code.
    public static func ~= (code: Code, error: CodexError) -> Bool { error.code == code }
}

extension CodexError: Equatable {
    /// Errors are equal if their codes are; only ``code`` is considered.
    public static func == (lhs: Self, rhs: Self) -> Bool { lhs.code == rhs.code }
}

extension CodexError: CustomStringConvertible {
    /// Code and message, and the cause where there is one.
    ///
    /// Contains no user data.
    public var description: String {
        let tail = cause.map { " (\($0))" } ?? ""
        return "\(code): \(message)\(tail)"
    }
}

/// Lets `catch CodexError.Code.closed` match any error by its code.
public func ~= (code: CodexError.Code, error: any Error) -> Bool {
    (error as? CodexError)?.code == code
}
