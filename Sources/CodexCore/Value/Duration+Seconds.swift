extension Duration {
    /// The duration in seconds; unlike `components`, it never traps.
    package var seconds: Double { self / Duration.seconds(1) }
}
