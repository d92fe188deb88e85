import Codex
import Foundation
import HTTPTypes
import Hummingbird

/// The answer to a request that cannot be done.
struct Failure: Error {
    /// An error in a field of the request.
    struct Field: Sendable {
        /// The path of the field: `title`, `acceptanceCriteria[0].text`.
        let path: String
        let message: String
    }

    let status: HTTPResponse.Status
    let code: String
    let message: String
    var rule: String?
    var fields: [Field] = []
    var headers: [HTTPField.Name: String] = [:]

    init(
        _ status: HTTPResponse.Status, _ code: String, _ message: String, fields: [Field] = [],
        headers: [HTTPField.Name: String] = [:]
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.headers = headers
    }

    /// Errors in fields of a request.
    static func invalid(_ fields: Field...) -> Failure { invalid(fields) }

    static func invalid(_ fields: [Field]) -> Failure {
        Failure(
            .unprocessableContent, "validation", "The request has fields that are wrong.",
            fields: fields)
    }

    /// A resource that does not exist, or that the user may not see.
    static func notFound(_ what: String) -> Failure {
        Failure(.notFound, "notFound", "There is no such \(what).")
    }

    /// A part that a remote table does not have.
    static func absent(_ what: String) -> Failure {
        Failure(
            .notImplemented, CodexError.Code.unsupportedOperation.description,
            "A remote table has no \(what).")
    }

    /// An error in the request's query.
    static func badQuery(_ message: String) -> Failure {
        Failure(.badRequest, "badRequest", message)
    }

    /// Translates an error for the client.
    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as CodexError: self.init(error)
        case let error as HTTPError:
            self.init(
                error.status, "http\(error.status.code)", error.body ?? error.status.reasonPhrase)
        default:
            self.init(.internalServerError, "internal", "Something went wrong. Try again later.")
        }
    }

    private init(_ error: CodexError) {
        let status: HTTPResponse.Status
        switch error.code {
        case .ruleViolated:
            self.init(Self.status(of: error.rule), "ruleViolated", error.message)
            rule = error.rule?.rawValue
            if let violation = error.violation, let text = error.rule?.text {
                fields = [Field(path: violation.field, message: text)]
            }
            return
        case .notFound: status = .notFound
        case .transactionTooLarge: status = .unprocessableContent
        case .unsupportedOperation: status = .notImplemented
        case .conditionFailed, .versionMismatch, .uniqueViolation: status = .conflict
        case .invalidIdentifier, .invalidJSON, .invalidArgument, .invalidPageToken, .invalidNumber,
            .invalidItem, .itemTooLarge, .invalidKey, .keyTooLong:
            status = .badRequest
        case .queueFull, .writesRefused, .diskFull, .tooManyReaders, .closed, .unavailable,
            .timedOut, .throttled, .writeConflict, .transactionCancelled, .limitReached,
            .indexNotReady:
            self.init(
                .serviceUnavailable, error.code.description,
                "The store cannot do that now, and nothing was written. Try again later.",
                headers: [.retryAfter: "1"])
            return
        case .outcomeUnknown:
            self.init(
                .internalServerError, error.code.description,
                "It is not known whether it was done. Look before you try again.")
            return
        default:
            // The error's own message is for operators.
            self.init(
                .internalServerError, error.code.description, "Something went wrong.")
            return
        }
        self.init(status, error.code.description, error.message)
    }

    private static func status(of rule: CodexFlow.Rule?) -> HTTPResponse.Status {
        switch rule {
        case .sessionToken: .unauthorized
        case .actorActive, .actorRole, .commentAuthor, .prdReviewer: .forbidden
        case .userEmailTaken, .projectKeyTaken, .memberTaken, .dependencyTaken, .taskStale,
            .taskClaimed, .taskNotHeld, .taskClaimEnded, .taskAssigned, .taskTransition,
            .taskBlocked, .taskChildren, .taskUnmet, .taskDeletion, .taskArchived, .projectReadOnly,
            .projectDeletion, .memberWork:
            .conflict
        default: .unprocessableContent
        }
    }
}
