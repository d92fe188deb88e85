import CodexCore
import CodexStore
import CrashSupport
import Foundation

/// Many stores of one process, all open at once.
enum ManyStores {
    /// Opens copies of the store `template` of a directory, writes to each, and closes all.
    ///
    /// - Returns: How many there were, the threads of the process while they were open, and the
    ///   addresses that the last one has reserved.
    static func use(in directory: String, count: Int) throws -> String {
        var stores: [Store] = []
        defer { for store in stores { store.close() } }
        do {
            for number in 0..<count {
                let path = "\(directory)/s\(number)"
                try FileManager.default.copyItem(atPath: directory + "/template", toPath: path)
                stores.append(try Store(at: path))
            }
            for store in stores { try NumberedItems.put(100..<101, byteCount: 100, in: store) }
            if let last = stores.last {
                try NumberedItems.put(200..<220, byteCount: 100_000, in: last)
            }
        } catch {
            throw DrivenFailure(done: stores.count, cause: error)
        }
        let threads = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
        let mapByteCount = try stores.last?.stats().mapByteCount ?? 0
        return "\(stores.count) \(threads?.count ?? 0) \(mapByteCount)"
    }
}
