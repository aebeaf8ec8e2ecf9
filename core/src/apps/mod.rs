//! What runs inside pods and on hosts.
