internal import Foundation

/// A file that has no program which can be replayed.
package struct ProgramFileError: Error, Hashable, CustomStringConvertible {
    /// The path of the file.
    package let path: String
    /// What is wrong.
    package let reason: String

    /// The file, and what is wrong with it.
    package var description: String { "\(path): \(reason)" }
}

extension Program {
    /// Reads a program from a file of JSON.
    ///
    /// - Parameter path: The path of the file.
    /// - Throws: ``ProgramFileError`` if the file cannot be read, or is no program.
    package init(contentsOfFile path: String) throws {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw ProgramFileError(
                path: path, reason: "it cannot be read: \(error.localizedDescription)")
        }
        let program: Program
        do {
            program = try JSONDecoder().decode(Program.self, from: data)
        } catch let error as DecodingError {
            throw ProgramFileError(path: path, reason: Self.reason(error))
        } catch {
            throw ProgramFileError(path: path, reason: "it is no program: \(error)")
        }
        if let defect = program.defect { throw ProgramFileError(path: path, reason: defect) }
        self = program
    }

    /// What an error of decoding tells of a file.
    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            return "it is no program: \(place(context)) lacks \(key.stringValue)"
        case .typeMismatch(_, let context):
            return "it is no program: \(place(context)) has another type. "
                + context.debugDescription
        case .dataCorrupted(let context):
            let cause = context.underlyingError.map { " \($0)" } ?? ""
            return "it is no program: \(place(context)) is damaged. \(context.debugDescription)"
                + cause
        default: return "it is no program: \(error)"
        }
    }

    /// The place of an error in a file.
    private static func place(_ context: DecodingError.Context) -> String {
        let keys = context.codingPath.map { key in
            key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)"
        }
        return keys.isEmpty ? "it" : String(keys.joined(separator: "").drop { $0 == "." })
    }

    // MARK: Values

    /// The processes that a history may have.
    package static let processCounts = 1...8
    /// Sums of larger values could overflow.
    private static let valueMax = 1 << 40
    /// The key of an order has room for the digits of these numbers.
    private static let orderNumbers = 0...999_999

    /// Why the program cannot run; `nil` if it can.
    package var defect: String? {
        guard Self.processCounts.contains(processCount) else {
            return "processCount is \(processCount), and must be 1 to 8"
        }
        if let planted, !Simulation.plantedFaults.contains(planted) {
            return "planted is \(planted), and no fault is called that"
        }
        for command in commands {
            guard (0..<processCount).contains(command.process) else {
                return "command \(command.id) is of process \(command.process), and there are "
                    + "\(processCount)"
            }
            for request in [command.request] + command.writes where !request.hasUsableValues {
                return "command \(command.id) has a number that is too large or negative"
            }
        }
        for fault in faults where !(0...Self.valueMax).contains(fault.amount ?? 0) {
            return "a fault has an amount that is too large or negative"
        }
        return nil
    }

    /// Whether a value may be added to others.
    fileprivate static func isUsable(_ value: Int?) -> Bool {
        guard let value else { return true }
        return (-valueMax...valueMax).contains(value)
    }

    /// Whether numbers are of orders.
    fileprivate static func areOrders(_ numbers: [Int]) -> Bool {
        numbers.allSatisfy { orderNumbers.contains($0) }
    }
}

extension Request {
    /// Whether the driver and the checker can compute with all numbers.
    fileprivate var hasUsableValues: Bool {
        guard Program.isUsable(now), now ?? 0 >= 0, Program.areOrders(orders ?? []) else {
            return false
        }
        return (actions ?? []).allSatisfy { action in
            let fields = action.order.map { [$0.fields.number] + [$0.from].compactMap { $0 } }
            let values = [action.put?.v, action.put?.x, action.put?.y, action.add?.by]
            return Program.areOrders(fields ?? []) && values.allSatisfy(Program.isUsable)
        }
    }
}
