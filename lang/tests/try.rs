#![allow(missing_docs)]
use netscene_lang::*;
fn show(f:&str, text: &str) {
        let mut files = SourceFiles::default();
        let (ast, mut d) = parse(&files.add(f, text));
        let (p, e) = check(&ast); d.extend(e);
        println!("{} {} {}\n{}", f, ast.statements.len(), p.declarations().len(), render(&d, &files, false));
}
#[test] fn examples() {
    for f in ["hello.scn","wordpress.scn"] {
        let text = std::fs::read_to_string(format!("{}/../examples/{f}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        show(f, &text);
    }
    for f in std::env::var("FILES").unwrap_or_default().split(' ').filter(|f| !f.is_empty()) { show(f, &std::fs::read_to_string(f).unwrap()); }
}
