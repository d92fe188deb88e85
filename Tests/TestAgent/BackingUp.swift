import CodexCore
import CodexStore
import Synchronization

/// Writes items, each one more than the last, and at the same time makes backups and archives.
final class BackingUp: Sendable {
    let store: Store
    let directory: String
    /// How many items there are.
    private let count: Atomic<Int>

    init(_ store: Store, directory: String) throws {
        self.store = store
        self.directory = directory
        count = Atomic(try store.items(scanning: TableScan(table: "t")).items.count)
    }

    func run() async throws {
        let first = count.load(ordering: .relaxed)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                for number in first... {
                    let text = String(repeating: "x", count: 2000)
                    let item: Item = [
                        "p": "p", "s": .string(Self.name(number)), "text": .string(text),
                    ]
                    _ = try await store.write { try $0.put(item, in: "t") }
                    count.store(number + 1, ordering: .releasing)
                }
            }
            group.addTask { [self] in
                for round in 0... {
                    try await store.backup(to: "\(directory)/backup-\(first)-\(round)")
                    for _ in 0..<3 {
                        let archived = count.load(ordering: .acquiring)
                        try await store.archiveLog(to: directory + "/archive")
                        say("archived \(archived)")
                    }
                }
            }
            try await group.next()
        }
    }

    /// Of one length, so that the order is that of the numbers.
    private static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 9 - digits.count) + digits
    }
}
