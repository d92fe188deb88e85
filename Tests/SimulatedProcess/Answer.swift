import CodexCore
import Foundation

/// A value of an answer, as JSON has it; an object's fields keep their order.
enum Answer: Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case number(Double)
    case text(String)
    case list([Answer])
    case object([Field])

    /// A field of an object.
    struct Field: Sendable {
        let name: String
        let value: Answer

        init(_ name: String, _ value: Answer) {
            self.name = name
            self.value = value
        }
    }

    /// A number of commits or bytes.
    static func count(_ value: UInt64) -> Answer { .int(Int(clamping: value)) }

    /// The value as JSON, in one line.
    var json: String {
        var text = ""
        append(to: &text)
        return text
    }

    private func append(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .int(let value): text += "\(value)"
        case .number(let value): text += value.isFinite ? "\(value)" : "null"
        case .text(let value): Self.append(value, to: &text)
        case .list(let values):
            text += "["
            for (place, value) in values.enumerated() {
                if place > 0 { text += "," }
                value.append(to: &text)
            }
            text += "]"
        case .object(let fields):
            text += "{"
            for (place, field) in fields.enumerated() {
                if place > 0 { text += "," }
                Self.append(field.name, to: &text)
                text += ":"
                field.value.append(to: &text)
            }
            text += "}"
        }
    }

    private static func append(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case let scalar where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

extension Answer: ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .text(value) }
    init(arrayLiteral elements: Answer...) { self = .list(elements) }
    init(dictionaryLiteral elements: (String, Answer)...) {
        self = .object(elements.map { Field($0.0, $0.1) })
    }
}

// MARK: Errors

/// A command that the process cannot perform: a fault of the driver.
struct ProtocolFault: Error {
    let message: String
}

/// What a transaction failed with, and the place of the action that failed.
struct FailedAction: Error {
    let cause: any Error
    let place: Int?
}

extension Answer {
    /// The answer of a command that failed.
    static func failure(_ error: any Error) -> Answer {
        var fields: [Field] = []
        switch error {
        case let failed as FailedAction:
            guard case .object(let inner) = failure(failed.cause) else { return .null }
            fields = inner
            if let place = failed.place { fields.append(Field("action", .int(place))) }
        case let error as CodexError:
            fields = [
                Field("error", .text(error.code.description)),
                Field("message", .text(error.message)),
            ]
            if error.code == .transactionCancelled {
                let reasons = error.reasons.map { reason -> Answer in
                    guard let reason else { return .null }
                    return .text(reason.code.description)
                }
                fields.append(Field("reasons", .list(reasons)))
            }
            if let cause = error.cause { fields.append(Field("cause", .text("\(cause)"))) }
        case let fault as ProtocolFault:
            fields = [Field("error", "protocol"), Field("message", .text(fault.message))]
        case let error as DecodingError:
            fields = [Field("error", "protocol"), Field("message", .text("\(error)"))]
        case is CancellationError:
            fields = [Field("error", "cancelled"), Field("message", "A task was cancelled.")]
        default:
            fields = [Field("error", "other"), Field("message", .text("\(error)"))]
        }
        return .object(fields)
    }
}

// MARK: Output

/// Writes an answer to the output, in a line of its own.
///
/// It is written by system calls directly: nothing of it stays in the process when that is killed.
func say(_ answer: Answer) {
    var rest = Array((answer.json + "\n").utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        if count > 0 {
            rest = rest.dropFirst(count)
        } else if errno != EINTR {
            // The driver is gone.
            exit(1)
        }
    }
}
