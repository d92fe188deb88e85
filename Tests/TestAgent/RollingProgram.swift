import CodexCore
import CodexStore
import TestSupport

/// A release of a program: it opens a store with its own schema and types.
///
/// `STORE VERSION COUNT PREFIX`: puts orders PREFIX0, PREFIX1, … of a version. Release 2 then
/// migrates. Prints how many orders it put, and whether the migration was complete.
struct RollingProgram {
    private let store: Store
    private let version: Int
    private let count: Int
    private let prefix: String

    init(_ arguments: [String]) throws {
        version = Int(arguments[1]) ?? 1
        count = Int(arguments[2]) ?? 0
        prefix = arguments[3]
        store = try Store(at: arguments[0], schema: RollingOrder.schema(version: version))
    }

    func run() async throws {
        say("begun")
        for number in 0..<count {
            let id = "\(prefix)\(number)"
            if version == 1 {
                try await store.put(RollingOrder.V1(id: id))
            } else {
                try await store.put(RollingOrder.V2(id: id))
            }
        }
        let isComplete =
            version == 1 ? false : try await store.migrate(RollingOrder.V2.self).isComplete
        store.close()
        say("\(count) \(isComplete ? "complete" : "pending")")
    }
}
