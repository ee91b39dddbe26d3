"""Known vulnerabilities of the locked packages, asked from the package index where it can be reached."""

import json
import subprocess
import sys


def check(seconds: float = 120) -> bool:
    """Print what is known; False when a package has a known vulnerability. No answer is no fault, and is said."""
    command = [sys.executable, "-m", "pip_audit", "--skip-editable", "--progress-spinner", "off", "--format", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        packages = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        packages = []
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:
        print("Vulnerabilities: not checked, the index's advisories cannot be reached.")
        return True
    found = [(package, fault) for package in asked for fault in package["vulns"]]
    for package, fault in found:
        fixed = ", ".join(fault["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {fault['id']}, fixed in {fixed}")
    print(f"Vulnerabilities: {len(found)} known in {len(asked)} packages.")
    return not found
