internal import CodexCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What a `fork` without `exec` must not take along.
///
/// A child has its parent's open files, and with them its locks: they would be held as long as the
/// child lives. The child's copies of the locks' descriptors are closed at once, which leaves the
/// parent's locks alone. The child must not use the store; ``isForked`` tells it.
enum InheritedDescriptors {
    private static let forked = Atomic(false)
    /// By the number of a descriptor, whether it is a lock's.
    ///
    /// A fixed place, since the handler after a fork may neither allocate nor take a lock. Each byte is
    /// written only by who opens or closes that descriptor.
    nonisolated(unsafe) private static let isLock: UnsafeMutablePointer<Bool> = {
        let flags = UnsafeMutablePointer<Bool>.allocate(capacity: capacity)
        unsafe flags.initialize(repeating: false, count: capacity)
        return unsafe flags
    }()
    /// Children keep the locks with higher numbers.
    private static let capacity = 1 << 16

    /// Whether this process is a child that was forked while a store was open.
    @inline(__always)
    static var isForked: Bool { forked.load(ordering: .relaxed) }

    /// Throws in a child of the process that opened the store.
    ///
    /// - Throws: ``CodexError/Code/forked``.
    @inline(__always)
    static func requireOwnProcess() throws(CodexError) {
        if isForked { throw forkedError }
    }

    private static var forkedError: CodexError {
        CodexError(
            .forked,
            "The process was forked from one that has had a store open, and can use none. Fork before the "
                + "first store is opened, or run another program in the child (exec).")
    }

    private static let handler: Void = {
        _ = unsafe isLock
        _ = pthread_atfork(nil, nil) {
            InheritedDescriptors.forked.store(true, ordering: .relaxed)
            for descriptor in 0..<InheritedDescriptors.capacity
            where unsafe InheritedDescriptors.isLock[descriptor] {
                close(Int32(descriptor))
            }
        }
    }()

    /// Notes a descriptor that a child is to close.
    static func add(_ descriptor: Int32) {
        _ = handler
        if descriptor < capacity { unsafe isLock[Int(descriptor)] = true }
    }

    /// Forgets a descriptor, before it is closed.
    static func remove(_ descriptor: Int32) {
        if descriptor < capacity { unsafe isLock[Int(descriptor)] = false }
    }
}
