internal import Foundation

/// A thread of the store's own.
///
/// LMDB wants a write transaction begun, used and ended by one thread, which Swift's tasks do not
/// promise.
enum WorkerThread {
    /// Starts a thread that runs `body` to its end.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.name = name
        // Users' closures run here: give them the stack that a main thread has.
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// A number that identifies the calling thread while it lives.
    static var current: UInt {
        #if canImport(Darwin)
            UInt(bitPattern: pthread_self())
        #else
            UInt(pthread_self())
        #endif
    }
}
