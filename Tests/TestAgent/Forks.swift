import CodexCore
import CodexStore
import HostCalls

/// What a host does that forks without exec.
enum Forks {
    /// Leaves a child that does nothing until it is killed; returns its number.
    static func leaveChild() -> Int32 { host_fork_and_wait() }

    /// Lets a child use a store of this process, and says what it was refused as `forked`.
    static func refusals(of store: Store) -> String {
        let refused = host_fork_and_call(
            { context in
                guard let context else { return 0 }
                let store = Unmanaged<Store>.fromOpaque(context).takeUnretainedValue()
                let read = Forks.isRefused { _ = try store.count(TableScan(table: "t")) }
                let write = Forks.isRefused { try store.write { _ in } }
                return (read ? 1 : 0) + (write ? 2 : 0)
            }, Unmanaged.passUnretained(store).toOpaque())
        return refused == 3 ? "both" : "\(refused)"
    }

    private static func isRefused(_ body: () throws -> Void) -> Bool {
        do {
            try body()
            return false
        } catch {
            return (error as? CodexError)?.code == .forked
        }
    }
}
