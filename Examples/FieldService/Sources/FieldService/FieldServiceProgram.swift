import Codex
import Foundation

/// The program: a demonstration, and processes that work on one store.
public enum FieldServiceProgram {
    private static let usage = """
        usage: field-service demo STORE           makes a store and asks eight questions of it
               field-service work STORE 1 NAME    works on a store as a process of release 1
               field-service work STORE 2 NAME    … or of release 2

        """

    /// Runs the program.
    ///
    /// - Parameter arguments: The arguments after the program's name.
    /// - Returns: The exit status.
    public static func run(_ arguments: [String]) async -> Int32 {
        do {
            switch (arguments.count, arguments.first) {
            case (2, "demo"):
                for line in try await Demonstration.answers(at: arguments[1]) { print(line) }
            case (4, "work") where arguments[2] == "1":
                try await work(WorkOrder.self, arguments[1], arguments[3])
            case (4, "work") where arguments[2] == "2":
                try await work(Release2.WorkOrder.self, arguments[1], arguments[3])
            default:
                FileHandle.standardError.write(Data(usage.utf8))
                return 2
            }
            return 0
        } catch {
            FileHandle.standardError.write(Data("field-service: \(error)\n".utf8))
            return 1
        }
    }

    private static func work<Order: ServiceOrder>(
        _ order: Order.Type, _ path: String, _ name: String
    ) async throws {
        let store = try Store(at: path, schema: Order.schema)
        defer { store.close() }
        let worker = Worker<Order>(name: name, store: store)
        let report = try await worker.run()
        worker.say(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
    }
}
