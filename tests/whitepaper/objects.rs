//! The white paper's figures of kubectl and calicoctl, from its two clusters in `examples/whitepaper/`.
//! `tests/whitepaper/` holds what each must print. Only the column AGE is not compared: the paper's clusters were days old.

use super::paper::{expected, printed};

/// The cluster of Figures 24 to 35 and 111 to 118.
fn first() -> String {
    printed("whitepaper/first_cluster.scn")
}

/// The cluster of Figures 12 to 22 and 56 to 110.
fn second() -> String {
    printed("whitepaper/second_cluster.scn")
}

/// A table without its column AGE. Of the last column nothing is left; another one keeps its width.
fn without_ages(table: &[&str]) -> Vec<String> {
    let Some(start) = table[0].find("AGE") else { return table.iter().map(|row| (*row).to_owned()).collect() };
    let width = table[0][start..].find("IP").unwrap_or(table[0].len() - start);
    let end = |row: &str| (start + width).min(row.len());
    let last = table[0].ends_with("AGE");
    let cut = |row: &&str| {
        let (before, after) = (&row[..start], &row[end(row)..]);
        if last { before.trim_end().to_owned() } else { format!("{before}{}{after}", " ".repeat(width)) }
    };
    table.iter().map(cut).collect()
}

/// Compares a table with the rows below the same titles, as many as the figure has.
fn table(printed: &str, file: &str) {
    let figure = expected(file);
    let figure: Vec<_> = figure.lines().collect();
    let lines: Vec<_> = printed.lines().collect();
    let titles = lines.iter().position(|line| line.starts_with(figure[0]));
    let start = titles.unwrap_or_else(|| panic!("no {:?} in\n{printed}", figure[0]));
    let found = &lines[start..lines.len().min(start + figure.len())];
    assert_eq!(without_ages(found), without_ages(&figure));
}

/// Looks for a text as it stands.
fn text(printed: &str, file: &str) {
    let figure = expected(file);
    assert!(printed.contains(&figure), "{figure}\nis not in\n{printed}");
}

#[test]
fn figure_22_the_pods_of_kube_system() {
    table(&second(), "fig022b_get_pods_kube-system_wide.txt");
}

#[test]
fn figure_27_a_node_port() {
    table(&first(), "fig027_get_services.txt");
}

#[test]
fn figure_31_a_load_balancer_with_metallbs_address() {
    table(&first(), "fig031_get_services.txt");
}

#[test]
fn figure_32_metallbs_config_map() {
    text(&first(), "fig032_describe_configmap_metallb.txt");
}

#[test]
fn figure_34_the_pods_of_iks() {
    table(&first(), "fig034_get_pods_iks.txt");
}

#[test]
fn figure_35_the_services_of_iks() {
    table(&first(), "fig035_get_services_iks.txt");
}

#[test]
fn figure_62_the_services_of_iks() {
    table(&second(), "fig062_get_svc_iks.txt");
}

#[test]
fn figure_76_the_workload_endpoints_of_iks() {
    text(&second(), "fig076_calicoctl_wep.txt");
}

#[test]
fn figure_87_the_ingress() {
    text(&second(), "fig087_describe_ingress.txt");
}

#[test]
fn figure_97_the_services_of_kube_system() {
    table(&second(), "fig097_get_svc_kube-system.txt");
}

#[test]
fn figure_100_the_services() {
    table(&second(), "fig100_get_svc.txt");
}

#[test]
fn figure_109_the_pods_of_iks_and_their_nodes() {
    table(&second(), "fig109_get_pods_iks_wide.txt");
}

#[test]
fn figure_111_the_pods_of_iks_and_their_nodes() {
    table(&first(), "fig111_get_pods_iks_wide.txt");
}

#[test]
fn figure_112_the_pods_of_kube_system_and_their_nodes() {
    table(&first(), "fig112_get_pods_kube-system_wide.txt");
}

#[test]
fn figure_113_the_services_of_iks() {
    table(&first(), "fig113_get_services_iks.txt");
}

#[test]
fn figure_114_the_services_of_kube_system() {
    table(&first(), "fig114_get_services_kube-system.txt");
}

/// kubectl cuts the annotation after 138 characters (`describe.go`, `maxAnnotationLen - 2`); the print of the paper lost
/// the place, and the file with the figure cuts it five characters later.
#[test]
fn figure_115_the_service_up_to_where_its_annotation_is_cut() {
    let cut = |line: &str| {
        let json = line.trim_start();
        if json.starts_with('{') { json[..138].to_owned() } else { line.to_owned() }
    };
    let printed = first();
    let start = printed.find("Name:              frontend").expect("the description");
    let found: Vec<_> = printed[start..].lines().map(cut).collect();
    let figure: Vec<_> = expected("fig115_describe_service_frontend.txt").lines().map(cut).collect();
    assert_eq!(found[..figure.len()], figure[..]);
}

#[test]
fn figure_116_the_ingress() {
    table(&first(), "fig116_get_ingress.txt");
}

/// The print of the paper lost the tabs and most of the annotation: what the file with the figure has of them was made
/// from kubectl's source.
#[test]
fn figure_117_the_ingress_in_a_layout_that_is_not_certain() {
    let cut = |line: &str| line.split_inclusive("\"extensions/v1beta1\",").next().unwrap_or_default().to_owned();
    let printed = first();
    let start = printed.find("Name:             guestbook").expect("the description");
    let found: Vec<_> = printed[start..].lines().map(cut).collect();
    let figure: Vec<_> = expected("fig117_describe_ingress_guestbook.txt").lines().map(cut).collect();
    assert_eq!(found[..figure.len()], figure[..]);
}

#[test]
fn figure_118_the_endpoints() {
    table(&first(), "fig118_get_endpoints.txt");
}
