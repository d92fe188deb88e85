extension Duration {
    /// The duration in seconds; unlike `components` it traps for none.
    package var seconds: Double { self / Duration.seconds(1) }
}
