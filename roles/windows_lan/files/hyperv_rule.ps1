# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Opens ports of distributions in the firewall of Hyper-V, and takes rules of ours away. JSON in: rules (each with name, port, sources) and gone (names).
# JSON out: changed. The default of that firewall, which refuses what no rule allows, is left as it is.
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)] [string] $Wanted
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$wish = $Wanted | ConvertFrom-Json
# All that is WSL's (MicrosoftDocs/WSL, networking.md).
$wslCreator = '{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}'
$changed = $false
$names = @($wish.gone) + @($wish.rules | ForEach-Object -Process { $_.name })
foreach ($name in $names) {
    if ($null -eq (Get-NetFirewallHyperVRule -Name $name -ErrorAction SilentlyContinue)) { continue }
    $changed = $true
    if ($PSCmdlet.ShouldProcess($name, 'Remove the rule')) { Remove-NetFirewallHyperVRule -Name $name }
}
foreach ($rule in $wish.rules) {
    $changed = $true
    if ($PSCmdlet.ShouldProcess($rule.name, 'Make the rule')) {
        $settings = @{
            Name = $rule.name
            DisplayName = $rule.name
            Direction = 'Inbound'
            Action = 'Allow'
            VMCreatorId = $wslCreator
            Protocol = 'TCP'
            LocalPorts = [string] $rule.port
            RemoteAddresses = @($rule.sources)
        }
        $null = New-NetFirewallHyperVRule @settings
    }
}
ConvertTo-Json -Compress -InputObject @{ changed = $changed }
