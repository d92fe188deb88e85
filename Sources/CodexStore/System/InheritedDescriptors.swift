internal import CodexCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The descriptors that a `fork` without `exec` must not keep.
///
/// A child has its parent's open files, and with them its locks: they would be held as long as the
/// child lives. The child closes its copies of the locks' descriptors at once, which does not
/// release the parent's locks. The child must not use the store; ``isForked`` detects it.
enum InheritedDescriptors {
    private static let forked = Atomic(false)
    /// Whether a descriptor, by its number, is a lock's.
    ///
    /// The buffer is fixed, because the handler after a fork may neither allocate nor take a lock.
    /// Each byte is written only by the thread that opens or closes that descriptor.
    nonisolated(unsafe) private static let isLock: UnsafeMutablePointer<Bool> = {
        let flags = UnsafeMutablePointer<Bool>.allocate(capacity: capacity)
        unsafe flags.initialize(repeating: false, count: capacity)
        return unsafe flags
    }()
    /// Children keep locks whose descriptors have higher numbers.
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

    /// Records a descriptor that a child must close.
    static func add(_ descriptor: Int32) {
        _ = handler
        if descriptor < capacity { unsafe isLock[Int(descriptor)] = true }
    }

    /// Removes the record of a descriptor, before it is closed.
    static func remove(_ descriptor: Int32) {
        if descriptor < capacity { unsafe isLock[Int(descriptor)] = false }
    }
}
