public import CodexCore
package import FoundationEssentials

/// A store: the tables of a schema, in one directory.
///
/// A process opens a store once and shares the `Store`. Any number of threads and tasks may use it.
/// Other processes may open the same directory.
///
/// ```swift
/// let store = try Store(at: "notes.codex", schema: schema)
/// try await store.put(Note(notebook: "engine", id: "1", text: "It weaves algebraic patterns."))
/// let note = try store.get(Lookup<Note>(partition: "NOTEBOOK#engine", sort: "NOTE#1"))
/// ```
///
/// Reads are synchronous. They run on the calling thread against a snapshot, and never wait for
/// writes. Writes are `async` (``write(_:)-(_)`` has a blocking variant). They wait for the one
/// writer, which commits the waiting writes as one group, durably.
///
/// ## Topics
/// ### Opening and closing
/// - ``init(at:schema:options:)``
/// - ``close()``
public final class Store: Sendable {
    let core: StoreCore
    let writer: WriterQueue?
    let builder: Builder?
    /// Removes expired items, if there can be any.
    private let sweeper: Sweeper?
    let parts: WritableParts?
    /// Hands events to the observer, if there is one.
    private let events: EventQueue?

    /// The store's wall clock (``StoreOptions/now``).
    package var clock: @Sendable () -> Date { core.options.now }

    /// Opens the store in the directory `path`, or creates it there.
    ///
    /// - Parameters:
    ///   - path: The directory. Its parent must exist. The directory must be a store, be empty, or
    ///     not exist. Network file systems are not supported.
    ///   - schema: The tables and entities. `nil` uses the schema of the store; a new store needs a
    ///     schema. It is checked against the Swift types that it was made from. New tables,
    ///     indexes, counters, entities, optional fields and schema versions are added to the store.
    ///     A time to live is added to a table that has none. Any other difference is refused. A new
    ///     index of a large table is built in the background. So is a new time to live: items that
    ///     were there before expire only after the build. See ``waitUntilReady()``.
    ///   - options: The options of the opening.
    /// - Throws: ``CodexError/Code/notAStore``, ``CodexError/Code/unsupportedFormat``,
    ///   ``CodexError/Code/schemaMismatch``, ``CodexError/Code/invalidSchema``,
    ///   ``CodexError/Code/alreadyOpen``, ``CodexError/Code/notFound``,
    ///   ``CodexError/Code/notWritable``, ``CodexError/Code/corrupted``,
    ///   ``CodexError/Code/diskFull``, ``CodexError/Code/needsRecovery`` (read-only, after a
    ///   crash), ``CodexError/Code/outcomeUnknown`` if a flush fails during the recovery.
    public init(
        at path: String, schema: Schema? = nil, options: StoreOptions = StoreOptions()
    ) throws(CodexError) {
        try InheritedDescriptors.requireOwnProcess()
        try schema?.validate()
        let options = try options.validated()
        let directory = StoreDirectory(path)
        if try directory.state(isReadOnly: options.isReadOnly) == .absent {
            guard !options.isReadOnly else {
                throw CodexError(
                    .notFound, "There is no store at \(path), and a read-only one is not created.")
            }
            guard let schema else {
                throw CodexError(
                    .notFound, "There is no store at \(path). Give a schema to create one.")
            }
            try schema.validateTypes()
            _ = try schema.requireDistinctKeys(since: nil)
            try directory.create(options.fileAccess) { staging throws(CodexError) in
                try StoreCreation.fill(staging, schema, options)
            }
            // Another process may have created it: check it as any other store.
            _ = try directory.state(isReadOnly: options.isReadOnly)
        }
        let events = options.observer.map { EventQueue($0) }
        var queued = options
        if let events { queued.observer = { events.add($0) } }
        let opened = try Self.locating(directory.path) { () throws(CodexError) in
            try StoreOpening.open(
                try Directory(directory.path), schema: schema, options: queued)
        }
        self.events = events
        core = opened.core
        parts = opened.parts
        guard let parts = opened.parts else {
            (writer, builder, sweeper) = (nil, nil, nil)
            return
        }
        let writer = WriterQueue(core, parts)
        let builder = Builder(core, writer)
        let sweeper = Sweeper(core, writer)
        (self.writer, self.builder, self.sweeper) = (writer, builder, sweeper)
        core.workArrived.withLock { $0 = { [weak builder] in builder?.schedule.wake() } }
        // The writer starts before the other parts, which write.
        writer.start {
            builder.schedule.waitUntilEnded()
            sweeper?.waitUntilEnded()
            parts.checkpointer.stop()
            parts.checkpointer.waitUntilEnded()
        }
        builder.start()
        sweeper?.start()
        parts.checkpointer.start(writer)
        // A small build is complete when the initializer returns.
        if let builder = self.builder, builder.hasLittleToDo() { builder.schedule.blockUntilIdle() }
        replacePlainDigests(writer)
    }

    /// Adds the store's path to errors of `body`.
    private static func locating<R>(
        _ path: String, _ body: () throws(CodexError) -> R
    ) throws(CodexError) -> R {
        do throws(CodexError) {
            return try body()
        } catch {
            throw error.located(at: path)
        }
    }

    /// Closes the store: it waits for running reads, runs the accepted writes, and closes the
    /// files.
    ///
    /// It may be called more than once, by any thread. Each call returns when the store is closed.
    /// Later use, also by running sequences, throws ``CodexError/Code/closed``.
    ///
    /// In code that the store calls (the body of a ``read(_:)`` or ``write(_:)-(_)``, a clock, a
    /// provider of keys), closing would wait for that code. There the call returns at once. The
    /// body goes on with its snapshot or transaction, which is committed. The store is closed when
    /// the body has ended. To wait for that, call `close()` again after the body.
    ///
    /// The observer (``StoreOptions/observer``) gets the events that happened before. After the
    /// call it gets no event; it may only finish the current one. It may close the store itself.
    /// Closing waits for a busy observer for at most a second; then the remaining events are
    /// discarded.
    ///
    /// - Important: A body must not wait for another thread that closes the store.
    public func close() {
        shutDown()
        if InheritedDescriptors.isForked { return }
        if core.isInUseHere || writer?.isInUseHere == true { return }
        StoreClosing(core).waitUntilFinished()
        events?.end()
    }

    deinit { shutDown() }

    private func shutDown() {
        // The threads to wait for belong to the parent process.
        if InheritedDescriptors.isForked { return }
        let closing = StoreClosing(core)
        guard closing.begin() else { return }
        builder?.schedule.stop()
        sweeper?.stop()
        if let writer {
            writer.stop()
        } else if closing.hasReaders {
            // This thread may be running a read.
            WorkerPool.run { closing.finish() }
        } else {
            closing.finish()
        }
    }

    /// The schema of the store, including additions.
    public var schema: Schema { core.catalog.manifest.schema }

    /// The path of the store's directory.
    ///
    /// It is an absolute path without symbolic links, as it was when the store was opened.
    public var path: String { core.directory.path }

    /// The recovery from the log at the opening.
    ///
    /// It is `nil` if other processes had the store open already, or if the store is read-only.
    public var recovery: RecoveryReport? { parts?.recovery }

    /// Whether the store was opened read-only.
    public var isReadOnly: Bool { core.options.isReadOnly }

    /// The name of the entity with a header's number, or `nil`.
    public func entityName(of header: ItemHeader) -> String? {
        core.catalog.entityName(header.entityNumber)
    }
}
