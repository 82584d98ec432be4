"""Who a caller is and what it may do: keys, and what is kept of callers. Nothing of HTTP or of Proton."""
