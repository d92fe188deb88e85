public import CodexCore

extension CodexFlow.Task {
    /// The name in ``metadata``.
    private static let importName = "codexflow.import"

    /// Whether the task comes from an import, so that its creation produces no event.
    ///
    /// Set it on a task before an import stores it, with the services or without them. It is kept
    /// in ``metadata``, and stays without effect on later changes.
    public var isImport: Bool {
        get { metadata?[Self.importName] == .bool(true) }
        set {
            var named = metadata ?? AttributeMap()
            named[Self.importName] = newValue ? AttributeValue.bool(true) : nil
            metadata = named.isEmpty ? nil : named
        }
    }
}
