import Foundation

/// Keeps the store's builder from its work, as another process that builds does: what is removed
/// stays as it is.
struct BuilderLock {
    private let descriptor: Int32

    init(store: String) throws {
        descriptor = open(store + "/build.lock", O_RDWR | O_CREAT, 0o644)
        guard descriptor >= 0, flock(descriptor, LOCK_EX) == 0 else {
            throw FixtureError("The lock of the store's builder cannot be taken (\(errno)).")
        }
    }

    func release() { close(descriptor) }
}

struct FixtureError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
