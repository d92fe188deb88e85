import CodexCore
import CodexStore
import CrashSupport
import Foundation
import Synchronization
import TestSupport
import Testing

/// Tables that another process adds while this one archives the log.
@Suite("Archives beside new tables", .serialized)
struct ArchivingTableTests {
    private final class Flag: Sendable {
        private let isRaised = Atomic(false)
        var value: Bool { isRaised.load(ordering: .acquiring) }
        func raise() { isRaised.store(true, ordering: .releasing) }
    }

    @Test("Each table can be read, however many archives were made since")
    func archives() async throws {
        let directory = try TestDirectory()
        defer { withExtendedLifetime(directory) {} }
        let path = directory.path
        let store = try Store(at: path + "/store", schema: NumberedItems.schema())
        let writer = try DrivenAgent(opening: path + "/store", "schema=no")
        let end = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<2 {
                group.addTask {
                    while !end.value { try await store.archiveLog(to: "\(path)/archive\(number)") }
                }
            }
            group.addTask {
                while !end.value {
                    _ = try store.count(TableScan(table: "t"))
                    await Task.yield()
                }
            }
            defer { end.raise() }
            for number in 0..<60 {
                try writer.must("tables s \(number) 1")
                if number % 2 == 0 { try await store.archiveLog(to: "\(path)/archive2") }
                #expect(try store.count(TableScan(table: "x\(number)")).count == 1)
            }
            end.raise()
            try await group.waitForAll()
        }
        for number in 0..<60 {
            #expect(try store.count(TableScan(table: "x\(number)")).count == 1)
        }
        try NumberedItems.put(0..<10, byteCount: 100, in: store)
        #expect(try store.verify().isSound)
        writer.quit()
        store.close()
    }
}
